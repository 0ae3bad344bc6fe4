"""Holds as a session spells them; `test_run.py` has those of a run and its findings."""

import pytest

from charlstm.config import Hold, ModelConfig
from charlstm.errors import UsageError
from charlstm.session.holds import holds_of

SHAPE = ModelConfig(vocabulary_size=9, layers=2, cells=4)


@pytest.mark.parametrize("hold", [{"1:3": "-1.5@7"}, "1:3=-1.5@7", ["1:3=-1.5@7"]])
def test_three_spellings_of_one_hold(hold):
    assert holds_of(hold, SHAPE, run=None) == (Hold(1, 3, -1.5, start=7),)


def test_what_is_on_in_a_live_module_is_not_known():
    with pytest.raises(UsageError, match="what on is for cell 0:2 of a live") as raised:
        holds_of({"0:2": "on"}, SHAPE, run=None)
    assert 'hold={"0:2": 1.5}' in raised.value.advice


@pytest.mark.parametrize("hold", [{"2:0": 1.0}, {"0:4": 1.0}])
def test_a_cell_that_the_model_does_not_have_is_one_error(hold):
    with pytest.raises(UsageError, match="no cell"):
        holds_of(hold, SHAPE, run=None)
