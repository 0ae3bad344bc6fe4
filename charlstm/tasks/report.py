"""What `charlstm report` does: draws the page and the figures of an inspection from its findings.json."""

from pathlib import Path

from charlstm.checkpoint.record import load_config
from charlstm.findings import Findings
from charlstm.report.figures import write_figures
from charlstm.report.page.packed_model import NOT_WANTED, inside
from charlstm.report.render import refuse_other_file, render_comparison, write_page, write_report
from charlstm.run_files import COMPARED, COMPARISON, FINDINGS, REPORT


def draw_comparison(folder: Path) -> Path:
    """Draw compare.html in folder from its findings.json and compared.json; returns the page's path.

    Raises UsageError when one of the two files cannot be read or the page cannot be written.
    """
    left, right = (Findings.load(folder / name).to_json() for name in (FINDINGS, COMPARED))
    write_page(render_comparison(left, right), folder / COMPARISON)
    return folder / COMPARISON


def draw_report(
    findings: Path, out: Path | None, *, with_model: bool = True, run: Path | None = None
) -> Path:
    """Draw the page of findings, a findings.json or the folder it is in; returns the page's path.

    out is where to write the page, by default report.html beside findings.json. with_model puts the network
    into the page, from the folder run, or the folder of findings.json where run is None: never from a folder
    that findings.json names, which somebody else may have written. Where there is no such network, the page
    says so. Raises UsageError when findings.json cannot be read, when the page cannot be written, and when
    out is a file that is no page; CheckpointError when run holds no run.
    """
    if out is not None:
        refuse_other_file(out)
    if run is not None:
        load_config(run)
    place = _findings_file(findings)
    page = out or place.with_name(REPORT)
    document = _loaded(findings).to_json()
    write_report(document, page, inside(document, run or place.parent) if with_model else NOT_WANTED)
    return page


def draw_figures(findings: Path, folder: Path) -> list[Path]:
    """Draw the figures of findings, a findings.json or the folder it is in, into folder as PNG and SVG.

    Returns the paths of the files. Raises UsageError when findings.json cannot be read, when matplotlib is
    not installed or when folder cannot be written.
    """
    return write_figures(_loaded(findings).to_json(), folder)


def _loaded(findings: Path) -> Findings:
    """Return the findings in findings.json, given it or the folder it is in. Raises UsageError."""
    return Findings.load_from(findings) if findings.is_dir() else Findings.load(findings)


def _findings_file(findings: Path) -> Path:
    """Return the path of findings.json, given it or the folder it is in."""
    return findings / FINDINGS if findings.is_dir() else findings
