"""The page and figures of findings.json: where they are written, and whether the network is in them."""

import json
from pathlib import Path

import pytest
from findings_document import findings_document, inspected
from tiny_run import imported_run

from charlstm.checkpoint.record import load_config
from charlstm.errors import CheckpointError, UsageError
from charlstm.tasks import report
from charlstm.tasks.report import draw_comparison, draw_figures, draw_report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with findings.json and compared.json."""
    for name, checkpoint in (("findings.json", "nowhere"), ("compared.json", "another")):
        (tmp_path / name).write_text(json.dumps(findings_document(checkpoint=checkpoint)))
    return tmp_path


def test_the_page_is_beside_findings_json_whichever_way_that_is_named(folder):
    assert draw_report(folder, None) == folder / "report.html"
    by_folder = (folder / "report.html").read_text()
    assert draw_report(folder / "findings.json", None) == folder / "report.html"
    assert (folder / "report.html").read_text() == by_folder
    assert "inside_double_quotes" in by_folder


def test_the_page_goes_where_out_says(folder, tmp_path):
    assert draw_report(folder, tmp_path / "pages" / "a.html") == tmp_path / "pages" / "a.html"
    assert (tmp_path / "pages" / "a.html").is_file()
    assert not (folder / "report.html").exists()


def test_without_the_network_the_page_says_why(folder):
    draw_report(folder, None, with_model=False)
    assert "left out of this page on purpose" in (folder / "report.html").read_text()
    draw_report(folder, None)
    assert "There is no run in" in (folder / "report.html").read_text()


@pytest.mark.parametrize("beside", [True, False])
def test_the_network_is_sought_beside_findings_json_or_where_run_says(folder, monkeypatch, beside):
    sought = []
    monkeypatch.setattr(report, "inside", lambda document, run: sought.append(run) or report.NOT_WANTED)
    place = folder if beside else folder / "findings.json"
    draw_report(place, None)
    draw_report(place, None, run=imported_run(folder / "run"))
    assert sought == [folder, folder / "run"]
    with pytest.raises(CheckpointError, match="is not a run's folder"):
        draw_report(place, None, run=folder / "nothing")


def test_a_run_of_another_model_is_not_put_into_the_page(folder):
    run = imported_run(folder / "run")
    document = findings_document() | {"provenance": {"weights_sha256": "0" * 64}}
    (folder / "findings.json").write_text(json.dumps(document))
    draw_report(folder, None, run=run)
    assert "is not the one inspected" in (folder / "report.html").read_text()


def test_the_folder_that_findings_name_is_never_opened(folder):
    """Whoever wrote findings.json may name any folder of the user's in it."""
    run = imported_run(folder / "run")
    document = findings_document(checkpoint=str(run)) | inspected(run)
    document["model"] |= vars(load_config(run).model)
    (folder / "findings.json").write_text(json.dumps(document))
    draw_report(folder, None)
    assert "There is no run in" in (folder / "report.html").read_text()
    draw_report(folder, None, run=run)
    assert "There is no run in" not in (folder / "report.html").read_text()
    assert load_config(run).vocabulary.symbols[0] in (folder / "report.html").read_text()


def test_two_findings_are_compared_on_one_page(folder):
    assert draw_comparison(folder) == folder / "compare.html"
    page = (folder / "compare.html").read_text()
    assert "side by side" in page
    assert "another" in page


def test_figures_are_drawn_from_the_findings(folder, monkeypatch):
    drawn = []
    monkeypatch.setattr(report, "write_figures", lambda document, out: drawn.append((document, out)) or [out])
    assert draw_figures(folder, folder / "figures") == [folder / "figures"]
    assert draw_figures(folder / "findings.json", folder / "figures") == [folder / "figures"]
    assert drawn[0] == drawn[1]
    assert drawn[0][0]["model"]["checkpoint"] == "nowhere"


def test_findings_that_are_missing_or_damaged_are_refused(folder):
    (folder / "compared.json").unlink()
    with pytest.raises(UsageError, match=r"compared\.json"):
        draw_comparison(folder)
    (folder / "findings.json").write_text("{}")
    with pytest.raises(UsageError):
        draw_report(folder, None)
    assert not (folder / "report.html").exists()


def test_a_page_takes_the_place_of_a_page_but_of_no_other_file(folder):
    page = folder / "page.html"
    page.touch()
    draw_report(folder, page)
    page.write_text(page.read_text().replace("inside_double_quotes", "an older page"))
    draw_report(folder, page)
    assert "inside_double_quotes" in page.read_text()
    draw_comparison(folder)
    draw_report(folder, folder / "compare.html")
    mine = folder / "mine.html"
    mine.write_text("<!doctype html>\n<title>mine</title>")
    for place in (mine, folder / "findings.json"):
        before = place.read_bytes()
        with pytest.raises(UsageError, match="is no page of charlstm's"):
            draw_report(folder, place)
        assert place.read_bytes() == before
    with pytest.raises(UsageError, match="it is a folder"):
        draw_report(folder, folder)
