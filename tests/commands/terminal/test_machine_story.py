"""The lines of a machine fit a terminal and say which way each job goes, and why."""

from charlstm.commands.terminal.machine_story import machine_lines
from charlstm.machine.speed.backend_choice import Choice
from charlstm.tasks.devices import Machine


def machine(**changes):
    values = {
        "processor": "A Processor",
        "processors": 2,
        "machine_processors": 8,
        "quota": None,
        "threads": 2,
        "gpus": (),
        "device": "cpu",
        "float32_per_second": 9.6e10,
        "bfloat16_per_second": 2.37e12,
        "streams_per_second": 1.66e11,
        "bytes_per_second": 2.5e10,
        "choices": (Choice("a job", "slow and first", {"fast": 0.01, "slow and first": 0.012}),),
    }
    return Machine(**values | changes)


def test_lines_say_what_there_is_and_the_time_of_each_way():
    lines = list(machine_lines(machine()))
    text = "\n".join(lines)
    for part in (
        "A Processor",
        "2, on 2 of 8 processors",
        "none that torch can use",
        "96 billion",
        "2,370 in bfl",
        "166 billion",
    ):
        assert part in text
    assert lines[-1].split() == ["a", "job", "slow", "and", "first", "12.0", "ms;", "fast", "10.0", "ms"]
    assert max(map(len, lines)) < 80


def test_quotas_and_gpus_are_named_and_a_way_without_another_has_no_time():
    text = "\n".join(
        machine_lines(
            machine(
                quota=1.5,
                gpus=("One", "Two"),
                streams_per_second=None,
                choices=(Choice("a job", "torch", {}),),
            )
        )
    )
    assert "a quota of 1.5" in text
    assert "One, Two" in text
    assert "many streams" not in text
    assert "the only way here" in text


def test_a_way_that_cannot_run_is_named():
    choices = (Choice("a job", "torch", {"torch": 0.5, "loops": None}),)
    assert list(machine_lines(machine(choices=choices)))[-1].endswith("500.0 ms; loops cannot run here")
