"""A trace has the numbers of the equations, and a cell shows them as bars and colours."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from proven_fixture import proven_findings
from tiny_run import TEXT, saved_run
from torch import nn

import charlstm
from charlstm.errors import CorpusError, UnknownCharacterError, UsageError
from charlstm.findings import Findings
from charlstm.model import equations
from charlstm.session.trace import CellTrace, Trace


@pytest.fixture(scope="module")
def trace(tmp_path_factory) -> Trace:
    return charlstm.load(saved_run(tmp_path_factory.mktemp("traced"))).trace(TEXT[:50])


def test_a_trace_of_modules_has_the_numbers_of_the_equations_in_every_layer():
    torch.manual_seed(0)
    lstm, head = nn.LSTM(3, 5, 2, batch_first=True), nn.Linear(5, 3)
    text = "abcabc" * 4
    trace = charlstm.trace(lstm, text, "abc", head=head)
    assert trace.c.shape == (24, 2, 5)
    assert trace.c.dtype == trace.probabilities.dtype == np.float32
    inputs = nn.functional.one_hot(torch.tensor(["abc".index(character) for character in text]), 3).float()
    outputs, (_, last_c) = lstm(inputs[None])
    assert np.allclose(trace.h[:, 1], outputs[0].detach(), atol=1e-5)
    assert np.allclose(trace.c[-1], last_c[:, 0].detach(), atol=1e-5)
    assert np.allclose(trace.probabilities, head(outputs[0]).softmax(1).detach(), atol=1e-5)
    before = np.concatenate([np.zeros_like(trace.c[:1]), trace.c[:-1]])
    assert np.allclose(trace.c, trace.f * before + trace.i * trace.g, atol=1e-5)
    assert np.allclose(trace.h, trace.o * np.tanh(trace.c), atol=1e-5)


def test_a_trace_of_a_run_is_read_from_zeros_with_its_own_symbols(tmp_path):
    run = charlstm.load(saved_run(tmp_path))
    trace = charlstm.trace(run, "fox")
    assert (trace.text, trace.symbols) == ("fox", run.vocabulary.symbols)
    weights, zeros = run.model.weights(0), torch.zeros(1, run.model.config.cells)
    x = run.model.embedding.weight[[run.vocabulary.index("f")]]
    projected = x @ weights.input.T + weights.bias
    h, _, _ = equations.step(projected, zeros, zeros, weights.recurrent)
    assert np.allclose(trace.h[0, 0], h[0].detach(), atol=1e-5)
    with pytest.raises(UnknownCharacterError):
        run.trace("FOX")


def test_a_trace_and_a_cell_are_told_shortly(trace: Trace):
    assert repr(trace).startswith("<Trace: 50 characters, 1 layer of 8 cells; 'the quick brown fox.")
    assert len(repr(trace)) < 120


def test_a_cell_has_its_own_numbers(trace: Trace):
    cell = trace.cell("0:5")
    assert (cell.layer, cell.cell, cell.text) == (0, 5, TEXT[:50])
    assert np.array_equal(cell.f, trace.f[:, 0, 5])
    assert np.array_equal(cell.lines["tanh c"], np.tanh(trace.c[:, 0, 5]))


@pytest.mark.parametrize(("name", "message"), [("17", "names no cell"), ("0:8", "no cell 0:8")])
def test_a_cell_that_is_not_there_is_refused(trace: Trace, name: str, message: str):
    with pytest.raises(UsageError, match=message):
        trace.cell(name)


def made_cell(text: str) -> CellTrace:
    """A cell whose input gate rises from 0 to 1 along text, and whose other numbers are -1."""
    rising = np.linspace(0, 1, len(text), dtype=np.float32)
    others = [np.full(len(text), -1, np.float32)] * 5
    return CellTrace(1, 2, text, rising, *others)


def test_bars_stand_below_their_characters():
    lines = repr(made_cell('a "b"\nc d')).splitlines()
    assert lines[:4] == ["cell 1:2", "", '       a␣"b"↵c␣d', "i      ▁▂▃▄▅▆▇██"]
    assert [line.split()[0] for line in lines[4:]] == ["f", "g", "o", "tanh", "h"]


def test_a_long_text_is_shown_in_part():
    shown = repr(made_cell("ab\n" * 200))
    assert "the first 300 of 600 characters" in shown
    assert max(map(len, shown.splitlines())) <= 97


def test_html_has_the_text_once_for_every_line_and_no_markup_of_the_text():
    html = made_cell("<b>&")._repr_html_()
    assert html.count("&lt;") == html.count("&gt;") == html.count("&amp;") == 6
    assert "<b>" not in html
    assert "<script" not in html


@pytest.mark.parametrize("hold", [(), {"0:1": 2.5}])
def test_an_empty_text_is_refused_with_and_without_holds(tmp_path, hold):
    run = charlstm.load(saved_run(tmp_path))
    with pytest.raises(CorpusError, match="the text is empty"):
        run.trace("", hold=hold)


def test_on_is_the_level_that_the_findings_tell(tmp_path):
    run = charlstm.load(saved_run(tmp_path))
    found = Findings.from_json(proven_findings())
    first = found.findings[0]
    levels = replace(first.detection, levels={"on": 2.5, "off": -2.5})
    findings = replace(found, findings=[replace(first, layer=0, cell=3, detection=levels)])
    held = run.trace(TEXT[:9], hold={"0:3": "on@4"}, findings=findings)
    assert np.array_equal(held.c, run.trace(TEXT[:9], hold={"0:3": "2.5@4"}).c)
    assert (held.c[4:, 0, 3] == 2.5).all()
    with pytest.raises(UsageError, match="there is no"):
        run.trace(TEXT[:9], hold={"0:3": "on"})
