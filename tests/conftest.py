"""Fixtures for all tests: the option --heavy, a small model, a short text, and what keeps tests apart."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from charlstm.config import ModelConfig
from charlstm.model.char_lstm import CharLSTM

PROSE = (
    'He said "come in" and went on (not at once) to the door.\n'
    "def visit(self, node):\n    return [node, {1: 'one'}]  # all of it\n\n"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--heavy",
        action="store_true",
        help="run the fault tests in full: 200 kills, files cut at every length",
    )


@pytest.fixture
def heavy(request: pytest.FixtureRequest) -> bool:
    """Tell whether pytest has the option --heavy; without it, a test repeats slow work only a few times."""
    return bool(request.config.getoption("--heavy"))


@pytest.fixture(autouse=True)
def _data_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the token caches of a test in its temporary folder, out of the project's data folder."""
    monkeypatch.setenv("CHARLSTM_DATA", str(tmp_path / "data"))


@pytest.fixture(autouse=True, scope="session")
def _own_state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The record of the runs that tests train stays out of the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def _loops_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled loops count as there: where a file of theirs has just changed, tests wait for them."""
    for module in ("char_lstm", "training_backend"):
        monkeypatch.setattr(f"charlstm.model.{module}.are_ready", lambda _: True)
    monkeypatch.setattr("charlstm.tasks.sample.are_ready", lambda _: True)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.fixture
def small_model(generator: torch.Generator) -> CharLSTM:
    config = ModelConfig(vocabulary_size=11, cells=6, layers=2, embedding=4)
    return CharLSTM(config, generator=generator).eval()


@pytest.fixture
def prose() -> str:
    return PROSE


@pytest.fixture
def prose_file(tmp_path: Path, prose: str) -> Path:
    path = tmp_path / "prose.txt"
    path.write_text(prose * 60, encoding="utf-8")
    return path


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Run torch on one thread: small models are faster so, and other work on the machine disturbs less."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="module")
def _one_control_network_of_a_kind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let inspections compare with one control network of each kind, but in the tests of these networks.

    Each is searched as the model is, and three of each kind would be most of a test.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not request.module.__name__.endswith("test_control_networks"):
            patch.setattr("charlstm.inspection.control_networks.NETWORKS_OF_A_KIND", 1)
        yield
