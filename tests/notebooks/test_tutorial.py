"""The tutorial runs from top to bottom in a kernel of its own, on less text and with less training."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).with_name("tutorial.ipynb")
MOST_CELLS = 40
SETTINGS = "MINUTES, CELLS, CHARACTERS = 1.0, 128, 150_000"
SMALL_SETTINGS = "MINUTES, CELLS, CHARACTERS = 0.03, 32, 25_000"
# As in all tests: each control network is searched as the model is.
ONE_CONTROL_NETWORK = (
    "from charlstm.inspection import control_networks\n\ncontrol_networks.NETWORKS_OF_A_KIND = 1"
)
SECONDS = 300


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def shown(notebook: nbformat.NotebookNode, source: str, kind: str) -> str:
    """What the cell whose source ends with the given line shows as a MIME type of that kind."""
    cell = next(cell for cell in notebook.cells if cell.source.endswith(source))
    return "".join(output.data.get(kind, "") for output in cell.outputs if "data" in output)


def test_the_notebook_is_short_and_holds_no_outputs(notebook):
    nbformat.validate(notebook)
    assert len(notebook.cells) <= MOST_CELLS
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


def test_the_notebook_runs(notebook, tmp_path, monkeypatch):
    for name in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # other tests run beside it, and waiting threads spin
    (settings,) = [cell for cell in notebook.cells if SETTINGS in cell.source]
    settings.source = settings.source.replace(SETTINGS, SMALL_SETTINGS)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(ONE_CONTROL_NETWORK))

    NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(tmp_path)}}).execute()

    assert "1 layer of 32 cells" in shown(notebook, "\nrun", "text/plain")
    assert shown(notebook, "trace.cell(name)", "text/html").count("<tr>") == 6
    assert "of 32 cells follow a feature" in shown(notebook, "\nfindings", "text/html")
    assert "of 24 cells follow a feature" in shown(notebook, "\nown", "text/plain")
    assert float(shown(notebook, 'trace.symbols.index(")")])', "text/plain")) != 0
    (page,) = tmp_path.glob("charlstm-*/run/report.html")
    assert 'id="model-data"' in page.read_text(encoding="utf-8")
