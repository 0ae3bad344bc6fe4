"""What else is measured of an intervention, against planted cells whose answers are known."""

from dataclasses import replace

import pytest
import torch
from intervention_fixture import planned

from charlstm.findings import Json
from charlstm.inspection.exam.planted_cells import fading_trace, line_counter, toggle
from charlstm.inspection.intervening.effect_details import details_of
from charlstm.inspection.intervening.experiment import Intervention


def details(planted, feature: str = "inside_double_quotes", **settings) -> Json:
    plan = planned(planted, feature, **settings)
    return details_of(plan.context, plan.intervention, torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def read() -> Json:
    return details([toggle('"').read('"', 3)], dose=-2.0)


def test_the_dose_response_rises_with_the_dose(read: Json) -> None:
    response = {entry["dose"]: entry["effect_nats"] for entry in read["dose_response"]}
    assert list(response) == [-0.5, 0.25, 0.5, 1.0, 1.5]
    assert response[-0.5] > 0 > response[0.25] > response[0.5] > response[1.0] > response[1.5]


def test_turning_a_toggle_on_where_it_is_off_brings_the_closer(read: Json) -> None:
    assert read["insertion_nats"] > 1


def test_resampling_and_holding_take_from_the_closer_as_the_dose_does(read: Json) -> None:
    full = next(entry["effect_nats"] for entry in read["dose_response"] if entry["dose"] == 1.0)
    assert read["resample_nats"] < -1
    assert read["hold_nats"] == pytest.approx(full, rel=0.05), "a toggle holds by itself"


def test_an_effect_on_the_closer_alone_is_specific_and_costs_little_elsewhere(read: Json) -> None:
    assert read["specificity"] > 2
    assert abs(read["targeted_loss_ratio"]) > 2


def test_a_toggle_loses_nothing_of_a_change_and_a_fading_trace_half_in_seven_characters(read: Json) -> None:
    plan = planned([fading_trace('"', kept=0.9)], dose=0.5)
    assert plan.intervention.sites.lag >= 7
    found = details_of(plan.context, plan.intervention, torch.Generator().manual_seed(0))
    assert 0.9**7 < 0.5 < 0.9**6
    assert found["half_life"] == 7
    assert read["half_life"] is None


def test_the_head_that_does_not_read_a_cell_gives_no_effect() -> None:
    unread = details([toggle('"')])
    for name in ("hold_nats", "resample_nats", "insertion_nats"):
        assert unread[name] == pytest.approx(0, abs=1e-5), name


def test_a_counter_that_decides_the_line_break_moves_it() -> None:
    plan = planned([line_counter("\n", step=0.005).read("\n", 12)], "column", dose=0.05)
    intervention: Intervention = replace(plan.intervention, steps=10.0)
    with torch.no_grad():
        plan.context.model.head.bias[plan.closers.targets] -= 3  # no line break unless it has counted far
    found = details_of(plan.context, intervention, torch.Generator().manual_seed(0))
    moved = found["displacement"]
    assert moved["steps"] == 10
    assert 0 < moved["interval"][0] < moved["characters"] < moved["interval"][1]
    assert found["insertion_nats"] is None, "a counter is not off anywhere"


def test_only_what_counts_every_character_has_a_displacement(read: Json) -> None:
    assert read["displacement"] is None
