"""`charlstm.inspect` finds the switches of live modules, and refuses modules that do not fit."""

import pytest
import torch
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
