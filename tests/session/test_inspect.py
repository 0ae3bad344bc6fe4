"""`charlstm.inspect` finds the switches of live modules, and refuses modules that do not fit."""

import pytest
import torch
from tiny_run import TEXT, saved_run
from torch import nn
from written_text import SYMBOLS, written

import charlstm
from charlstm.config import InspectionConfig
from charlstm.errors import UsageError
from charlstm.inspection.exam.planted_cells import plant, toggle


def modules() -> tuple[nn.LSTM, nn.Linear]:
    """Return an LSTM of one-hot input with a toggle as cell 0 and 12 idle cells, and a head that reads it."""
    cells = [toggle('"').read('"', 3.0)]
    model = plant(cells, SYMBOLS, idle=12, generator=torch.Generator().manual_seed(0))
    lstm = model.layers[0]
    assert isinstance(lstm, nn.LSTM)
    return lstm, model.head


def test_a_toggle_in_a_live_lstm_is_found_and_verified() -> None:
    lstm, head = modules()
    config = InspectionConfig(streams=8)
    findings = charlstm.inspect(lstm, written(50_000, 1), SYMBOLS, embedding=None, head=head, config=config)
    by_cell = {(finding.layer, finding.cell): finding for finding in findings.findings}
    assert by_cell[0, 0].kind == "toggle"
    assert by_cell[0, 0].drivers == {"set": ['"'], "reset": ['"']}
    assert by_cell[0, 0].verdict == "verified"


def test_symbols_that_do_not_fit_the_head_are_refused() -> None:
    lstm, head = modules()
    with pytest.raises(UsageError, match=f"{len(SYMBOLS)} outputs for 3 symbols"):
        charlstm.inspect(lstm, "abc" * 9_000, "abc", embedding=None, head=head)


def test_a_loaded_run_is_inspected_with_its_own_symbols(tmp_path, monkeypatch) -> None:
    requests = []
    monkeypatch.setattr("charlstm.session.inspect.inspected", lambda request, *rest: requests.append(request))
    run = charlstm.load(saved_run(tmp_path))
    charlstm.inspect(run, TEXT[:50])
    (request,) = requests
    assert request.model is run.model
    assert request.vocabulary.decode(request.ids) == TEXT[:50]
    assert not request.config.imported
    assert request.bits_per_character == 3.25


def test_the_text_that_a_run_was_trained_on_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("charlstm.session.inspect.inspected", lambda *request: None)
    run = charlstm.load(saved_run(tmp_path))
    told = f"text is read from its beginning; the run was trained on its first {len(TEXT) * 8 // 10:,}"
    for inspect in (lambda: charlstm.inspect(run, TEXT), lambda: run.inspect(TEXT)):
        with pytest.warns(UserWarning, match=told) as warned:
            inspect()
        assert warned[0].filename == __file__, "the warning points at the user's own line"


def test_what_belongs_to_a_module_is_refused_for_a_run_and_asked_for_otherwise(tmp_path) -> None:
    run = charlstm.load(saved_run(tmp_path))
    lstm, head = modules()
    with pytest.raises(UsageError, match="a run has symbols"):
        charlstm.inspect(run, TEXT, SYMBOLS)
    with pytest.raises(UsageError, match="give symbols and head"):
        charlstm.inspect(lstm, TEXT, head=head)
