"""A followed cell is a finding's cell along held-out text, with its feature, for portraits and examples.

The text is the beginning of the split "confirm", which had no part in choosing the finding. It is read once
for all cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.detecting.detect import Detected
from charlstm.inspection.features.feature import FeatureKind, Signal
from charlstm.inspection.reading.splits import Chunk
from charlstm.inspection.reading.trace import CountedBlock
from charlstm.inspection.study import ConfirmedPair
from charlstm.model.char_lstm import CharLSTM

# c of up to 64 cells at up to 150,000 characters is held at once.
_LONGEST_TEXT_CHARACTERS = 150_000
_MOST_CELLS = 64
# A finding's own excerpt has this many characters, or all of a shorter stretch.
EXCERPT_CHARACTERS = 700
# Where a feature goes on and off this often within an excerpt, more changes show no more.
_ENOUGH_CHANGES = 12
# In a text without lines an excerpt may begin at multiples of this.
_STRIDE_CHARACTERS = 50

Values = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """A Place is a piece of a stretch: `length` counted characters from the counted one `first` on."""

    stretch: int
    first: int
    length: int


@dataclass(frozen=True, eq=False)
class FollowedCell:
    """A FollowedCell has a cell along the text, the feature that it follows, and its own excerpt.

    c (stretches, characters) float32 are its states at positions (stretches, characters) of text, along which
    signal runs; text begins at the position `start` of the whole text. sign, 1 or -1, is the sign of the
    correlation of c with the feature. place is where its own excerpt lies, None where the feature never
    changes; gates (4, characters of the excerpt) float32 are i, f, g and o there.
    """

    c: Values
    signal: Signal
    positions: NDArray[np.int64]
    text: str
    start: int
    sign: int
    place: Place | None
    gates: Values


def followed_cells(
    model: CharLSTM, detected: Detected, confirmed_pairs: Sequence[ConfirmedPair]
) -> list[FollowedCell]:
    """Return the first _MOST_CELLS of confirmed_pairs along the first chunk of the split "confirm".

    The chunk is read with model once.
    """
    pairs = list(confirmed_pairs[:_MOST_CELLS])
    if not pairs:
        return []
    chunk = detected.text.splits["confirm"].first.beginning(_LONGEST_TEXT_CHARACTERS)
    positions = chunk.cut.counted.reshape(chunk.cut.streams, -1)
    signals = {pair.feature.name: chunk.signal(pair.feature.name) for pair in pairs}
    places = {name: excerpt_place(signal, positions, chunk.text) for name, signal in signals.items()}
    excerpts = [places[pair.feature.name] for pair in pairs]
    c, gates = _read(model, chunk, [pair.cell for pair in pairs], excerpts)
    signs = detected.pairs.signs.tolist()
    return [
        FollowedCell(
            c=c[:, column].numpy().reshape(positions.shape),
            signal=signals[pair.feature.name],
            positions=positions,
            text=chunk.text,
            start=chunk.start,
            sign=int(signs[pair.index]),
            place=excerpts[column],
            gates=gates[column],
        )
        for column, pair in enumerate(pairs)
    ]


def _read(
    model: CharLSTM, chunk: Chunk, cells: list[int], places: list[Place | None]
) -> tuple[Tensor, list[Values]]:
    """Return c (rows, cells) float32 at counted positions, and each cell's gates (4, length) at its place.

    cells are numbered over all layers.
    """
    c = torch.zeros(len(chunk.cut.counted), len(cells))
    gates = [np.zeros((4, place.length if place else 0), np.float32) for place in places]
    for block in chunk.blocks(model):
        c[block.rows] = block.c[:, cells]
        for cell, place, along in zip(cells, places, gates, strict=True):
            if place:
                _fill(along, block, divmod(cell, model.config.cells), place, chunk.cut.streams)
    return c, gates


def _fill(gates: Values, block: CountedBlock, cell: tuple[int, int], place: Place, streams: int) -> None:
    """Write the gates of cell (layer, number) into gates (4, length) where block covers a part of place."""
    begin = int(block.rows[0])
    end = begin + len(block.rows) // streams
    first, stop = max(begin, place.first), min(end, place.first + place.length)
    if first < stop:
        inside = block.gates_of(place.stretch, *cell)[:, first - begin : stop - begin]
        gates[:, first - place.first : stop - place.first] = inside.numpy()


def is_high(values: NDArray[np.uint8], kind: FeatureKind) -> Flags:
    """Return where a feature with values (stretches, characters) is on, (stretches, characters) bool.

    A switch and a depth are on above 0. A counter counts as on above its median: it is high there.
    """
    return np.asarray(values > (np.median(values) if kind == "counter" else 0))


def excerpt_place(signal: Signal, positions: NDArray[np.int64], text: str) -> Place | None:
    """Return where the excerpt of a feature lies among positions (stretches, characters) of text.

    The feature alone decides, not what any cell does: of all stretches of EXCERPT_CHARACTERS that begin with
    a line, it is the one in which the feature goes on and off most often, where _ENOUGH_CHANGES are enough;
    of those with equally many changes, the one where it is on nearest to half of the time. The result is None
    where the feature changes in none.
    """
    high = is_high(signal.values[positions], signal.feature.kind)
    length = min(EXCERPT_CHARACTERS, high.shape[1])
    firsts = possible_firsts(positions, text, high.shape[1] - length)
    changed = np.zeros(high.shape, np.int64)
    changed[:, 1:] = (high[:, 1:] != high[:, :-1]).cumsum(axis=1)
    changes = changed[:, length - 1 :] - changed[:, : high.shape[1] - length + 1]
    on = np.pad(high.cumsum(axis=1), ((0, 0), (1, 0)))
    share = (on[:, length:] - on[:, :-length]) / length
    merit = np.where(firsts, np.minimum(changes, _ENOUGH_CHANGES) + 0.5 - np.abs(share - 0.5), -1)
    stretch, first = (int(place) for place in np.unravel_index(merit.argmax(), merit.shape))
    return Place(stretch, first, length) if merit[stretch, first] >= 1 else None


def possible_firsts(positions: NDArray[np.int64], text: str, last: int) -> Flags:
    """Return (stretches, last + 1) bool: where an excerpt may begin, with a line wherever there is one."""
    feeds = np.fromiter((character == "\n" for character in text), np.bool_, count=len(text))
    after_feed = np.concatenate(([False], feeds))[positions[:, : last + 1]]
    if after_feed.any():
        return np.asarray(after_feed)
    return np.broadcast_to(np.arange(last + 1) % _STRIDE_CHARACTERS == 0, after_feed.shape)
