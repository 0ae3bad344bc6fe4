"""A passage is the whole split in one piece, whatever chunks the split is read in."""

import numpy as np
import pytest
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.reading import splits
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.reading.passage import passage_of

TEXT = written(60_000, seed=1)


@pytest.mark.parametrize("longest_chunk", [5_000, 150_000])
def test_a_passage_has_the_text_and_the_signals_of_its_split(
    longest_chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splits, "LONGEST_CHUNK_CHARACTERS", longest_chunk)
    split = read_text(ids_of(TEXT), SYMBOLS, 8).splits["intervene"]
    passage = passage_of(split, ["column", "inside_double_quotes", "column"])
    assert split.chunk_count == (1 if longest_chunk == 150_000 else 3)
    assert passage.text == TEXT[split.start : split.start + len(passage.text)]
    assert len(split.ids) - len(passage.text) < split.stretches
    assert passage.ids.tolist() == ids_of(passage.text).tolist()
    assert passage.symbols == SYMBOLS
    assert list(passage.signals) == ["column", "inside_double_quotes"]
    assert passage.cut.streams == split.stretches
    assert passage.cut.length == split.cut.length
    # The column counts from a line break in its stretch; before the first one it is not compared.
    since, column = 0, passage.signals["column"].values
    seen = False
    for position, character in enumerate(passage.text):
        if position % passage.cut.length == 0:
            seen = False
        since, seen = (0, True) if character == "\n" else (since + 1, seen)
        if seen:
            assert column[position] == min(255, since)
    assert passage.signals["column"].feature.kind == "counter"


def test_a_feature_that_the_table_lacks_is_refused() -> None:
    split = read_text(ids_of(TEXT), SYMBOLS, 8).splits["intervene"]
    with pytest.raises(ValueError, match="inside_guillemets"):
        passage_of(split, ["inside_guillemets"])
    assert np.array_equal(passage_of(split, []).ids, split.first.ids)
