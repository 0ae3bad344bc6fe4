"""A machine as `charlstm devices` tells it: its processors, its rates, and the choice of each job."""

import pytest

from charlstm.machine.speed import backend_choice
from charlstm.tasks import devices


@pytest.fixture(autouse=True)
def rates(monkeypatch):
    """No rate is measured."""
    monkeypatch.setattr(devices, "product_rate", lambda dtype: float(dtype.itemsize))
    monkeypatch.setattr(devices, "bandwidth", lambda: 1.0)


def test_it_has_a_processor_rates_and_a_choice_for_each_job():
    machine = devices.measure_machine()
    assert machine.processor
    assert 1 <= machine.processors <= machine.machine_processors
    assert (machine.float32_per_second, machine.bfloat16_per_second) == (4, 2)
    assert len({choice.job for choice in machine.choices}) == 4
    assert machine.streams_per_second is None or machine.streams_per_second > 0


def test_choices_are_measured_again_where_that_is_asked(monkeypatch):
    choices = devices.measure_machine().choices
    asked = []
    monkeypatch.setattr(
        backend_choice, "_measured", lambda job, ways: asked.append(job) or dict.fromkeys(ways, 1.0)
    )
    assert devices.measure_machine().choices == choices
    assert not asked
    devices.measure_machine(again=True)
    assert set(asked) == {choice.job for choice in choices if choice.seconds}
    backend_choice.forget()
