"""The page and the figures of an inspection, drawn from its findings.json."""

from pathlib import Path

from charlstm.findings import Findings
from charlstm.report.figures import write_figures
from charlstm.report.page.packed_model import NOT_WANTED, inside
from charlstm.report.render import render_comparison, write_page, write_report
from charlstm.run_files import COMPARED, COMPARISON, FINDINGS, REPORT


def draw_comparison(folder: Path) -> Path:
    """Draw compare.html from the findings.json and compared.json of a folder, in it."""
    left, right = (Findings.load(folder / name).to_json() for name in (FINDINGS, COMPARED))
    write_page(render_comparison(left, right), folder / COMPARISON)
    return folder / COMPARISON


def draw_report(findings: Path, out: Path | None, *, with_model: bool = True) -> Path:
    """Draw the page of a findings.json (or of the folder it is in), beside it unless out says otherwise.

    with_model puts the network in the page, from the run beside findings.json or else from where it was
    inspected; where there is none, the page says so.
    """
    place = findings / FINDINGS if findings.is_dir() else findings
    page = out or place.with_name(REPORT)
    document = Findings.load(place).to_json()
    folders = [place.parent, *map(Path, filter(None, [document["model"]["checkpoint"]]))]
    write_report(document, page, inside(document, folders) if with_model else NOT_WANTED)
    return page


def draw_figures(findings: Path, folder: Path) -> list[Path]:
    """Draw the figures of a findings.json (or of the folder it is in) as PNG and SVG; what was written."""
    place = findings / FINDINGS if findings.is_dir() else findings
    return write_figures(Findings.load(place).to_json(), folder)
