import pytest

from charlstm.machine.launch import SINGLE, Launch, launch

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
    said(TORCHRUN | {"RANK": "first"})
    assert launch() == SINGLE
