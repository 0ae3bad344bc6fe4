"""A text is inspected in several chunks, for tests of what is read chunk by chunk."""

from collections.abc import Sequence

import pytest
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.reading import splits
from charlstm.inspection.reading.inspected_text import InspectedText, read_text


def text_in_chunks(
    monkeypatch: pytest.MonkeyPatch, *, longest: int = 9_000, user_specs: Sequence[str] = ()
) -> tuple[str, InspectedText]:
    """Return a written text of 60,000 characters, and the same text cut into chunks of at most longest."""
    monkeypatch.setattr(splits, "LONGEST_CHUNK_CHARACTERS", longest)
    text = written(60_000, seed=1)
    return text, read_text(ids_of(text), SYMBOLS, 4, user_specs)
