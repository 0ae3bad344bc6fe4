"""Work dealt out to several processes gives exactly what one process gives; an error reaches all of them."""

import json

import pytest
import torch
from group_processes import (
    draw_for_five_jobs,
    fail_at_the_third_job,
    inspect_planted_network,
    read_five_chunks,
    results_of_processes,
)

from charlstm.machine.processes import ALONE


def test_two_processes_find_exactly_what_one_finds() -> None:
    findings_of_one = inspect_planted_network(ALONE)
    assert len(json.loads(findings_of_one)["findings"]) == 4
    assert results_of_processes(inspect_planted_network, 2) == [findings_of_one] * 2


def test_sums_of_chunks_are_merged_in_the_order_of_the_text() -> None:
    alone = read_five_chunks(ALONE)
    assert json.loads(alone) == [100, 3_100, 6_100, 9_100, 12_100]
    assert results_of_processes(read_five_chunks, 2) == [alone] * 2


def test_each_job_has_a_generator_of_its_own_whichever_process_does_it() -> None:
    alone = draw_for_five_jobs(ALONE)
    jobs, numbers = zip(*json.loads(alone), strict=True)
    assert jobs == (0, 1, 2, 3, 4)
    assert len(set(map(tuple, numbers))) == 5
    seeds = torch.randint(2**62, (5,), generator=torch.Generator().manual_seed(0)).tolist()
    again = torch.rand(2, generator=torch.Generator().manual_seed(seeds[3])).tolist()
    assert numbers[3] == again
    assert results_of_processes(draw_for_five_jobs, 3) == [alone] * 3


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_in_one_process_is_raised_in_all_of_them(count: int) -> None:
    assert results_of_processes(fail_at_the_third_job, count) == ["UsageError"] * count
