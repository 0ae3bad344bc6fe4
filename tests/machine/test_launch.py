import pytest

from charlstm.machine.launch import SINGLE, Launch, by_torchrun, launch

TORCHRUN = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "MASTER_ADDR": "node0", "MASTER_PORT": "29500"}


@pytest.fixture
def said(monkeypatch):
    """Set the environment's variables to these and no others."""

    def say(variables: dict[str, str]) -> None:
        for name in TORCHRUN:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return say


def test_what_torchrun_says(said):
    said(TORCHRUN)
    assert launch() == Launch(rank=5, count=8, local=1)


@pytest.mark.parametrize("missing", ["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"])
def test_one_of_one_where_something_is_missing(said, missing):
    said({name: value for name, value in TORCHRUN.items() if name != missing})
    assert launch() == SINGLE


def test_one_of_one_without_torchrun(said):
    said({})
    assert launch() == SINGLE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RANK", "first"),
        ("RANK", "8"),
        ("RANK", "-1"),
        ("RANK", "²"),
        ("WORLD_SIZE", "0"),
        ("WORLD_SIZE", "9" * 5000),
        ("MASTER_PORT", "none"),
        ("MASTER_PORT", "65536"),
    ],
)
def test_one_of_one_where_a_variable_makes_no_sense(said, name, value):
    said(TORCHRUN | {name: value})
    assert launch() == SINGLE


def test_torchrun_is_known_by_its_own_variable(said, monkeypatch):
    said(TORCHRUN)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert not by_torchrun()
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert by_torchrun()
