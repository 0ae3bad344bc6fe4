"""All gates and states of a model along a text, as numpy arrays: this is `charlstm.trace`."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from charlstm.checkpoint.loading import Checkpoint
from charlstm.config import ModelConfig, check_cell
from charlstm.errors import CorpusError, UsageError
from charlstm.findings import Findings
from charlstm.foreign.modules import Embedding, Head
from charlstm.inspection.reading import trace as reading
from charlstm.model.char_lstm import CharLSTM
from charlstm.report.words.symbols import symbol
from charlstm.session.coloured_text import coloured_text
from charlstm.session.held_trace import held_numbers
from charlstm.session.holds import Holds, holds_of
from charlstm.session.modules import model_in_hand

# Positions that are read between two copies into the arrays.
_WINDOW_CHARACTERS = 2048
# Characters of a cell's lines that are shown, and those on one line.
_SHOWN_CHARACTERS, _LINE_CHARACTERS = 300, 90
# Eight heights for a number from the least to the largest.
_HEIGHTS = "▁▂▃▄▅▆▇█"

Floats = NDArray[np.float32]


@dataclass(frozen=True, repr=False, eq=False)
class CellTrace:
    """A CellTrace holds what one cell does at each character of a text.

    text is the text, and i, f, g, o, c and h are (characters,) float32, as in Trace. In a terminal it shows
    itself as lines of bars below the text, in a notebook as the text on colours.
    """

    layer: int
    cell: int
    text: str
    i: Floats
    f: Floats
    g: Floats
    o: Floats
    c: Floats
    h: Floats

    @property
    def lines(self) -> dict[str, Floats]:
        """The numbers that are shown, by name, each (characters,): gates in [0, 1], others in [-1, 1]."""
        return {"i": self.i, "f": self.f, "g": self.g, "o": self.o, "tanh c": np.tanh(self.c), "h": self.h}

    def __repr__(self) -> str:
        """Return the first characters of the text with a line of bars for every gate and state below them."""
        shown = range(0, min(len(self.text), _SHOWN_CHARACTERS), _LINE_CHARACTERS)
        parts = [self._part(start, min(start + _LINE_CHARACTERS, _SHOWN_CHARACTERS)) for start in shown]
        return "\n\n".join([f"cell {self.layer}:{self.cell}{self._note()}", *parts])

    def _part(self, start: int, stop: int) -> str:
        """Return the text from start to stop, and below it a bar for each number."""
        text = "".join(symbol(character)[:1] for character in self.text[start:stop])
        rows = [f"{name:<7}{_bars(values[start:stop], name)}" for name, values in self.lines.items()]
        return "\n".join([f"{'':<7}{text}", *rows])

    def _repr_html_(self) -> str:
        """Return the first characters of the text once for every gate and state, on colours."""
        text = self.text[:_SHOWN_CHARACTERS]
        lines = {name: coloured_text(text, values[: len(text)]) for name, values in self.lines.items()}
        rows = (
            f'<tr><th>{name}</th><td style="text-align:left">{line}</td></tr>' for name, line in lines.items()
        )
        title = f"cell {self.layer}:{self.cell}{self._note()}"
        return f"<p>{escape(title)}</p><table>{''.join(rows)}</table>"

    def _note(self) -> str:
        """Return what is said where not all characters are shown."""
        if len(self.text) <= _SHOWN_CHARACTERS:
            return ""
        return f", the first {_SHOWN_CHARACTERS} of {len(self.text):,} characters"


def _bars(values: Floats, name: str) -> str:
    """Return a bar for each number, from 0 to 1 for the gates i, f and o, from -1 to 1 for the others."""
    shares = values if name in "ifo" else (values + 1) / 2
    heights = np.clip(shares * len(_HEIGHTS), 0, len(_HEIGHTS) - 1).astype(int)
    return "".join(_HEIGHTS[height] for height in heights)


@dataclass(frozen=True, repr=False, eq=False)
class Trace:
    """A Trace holds the gates and states of all cells at every character of a text.

    i, f and o are the input, forget and output gates, in [0, 1]; g is the candidate, c the cell state and
    h = o * tanh(c) the hidden state: c = f * c_before + i * g. Each is (characters, layers, cells) float32,
    after the character was read. probabilities are (characters, symbols) float32: row t has the model's
    probability of every symbol, in the order of symbols, to come after character t. text has one character
    for each row; for a model of bytes it has the character of each byte's number.
    """

    text: str
    symbols: tuple[str, ...]
    i: Floats
    f: Floats
    g: Floats
    o: Floats
    c: Floats
    h: Floats
    probabilities: Floats

    def __repr__(self) -> str:
        """Return the shape in one line."""
        characters, layers, cells = self.c.shape
        shape = f"{characters:,} characters, {layers} {'layer' if layers == 1 else 'layers'} of {cells} cells"
        return f"<Trace: {shape}; {textwrap.shorten(repr(self.text), 60, placeholder=' ...')}>"

    def cell(self, name: str) -> CellTrace:
        """Return what the cell of this name, such as "0:17" for cell 17 of layer 0, does along the text.

        Raises UsageError where the model has no such cell.
        """
        _, layers, cells = self.c.shape
        try:
            layer, cell = map(int, name.split(":"))
        except ValueError:
            raise UsageError(f"{name!r} names no cell", 'write "LAYER:CELL", such as "0:17"') from None
        check_cell(layer, cell, ModelConfig(vocabulary_size=len(self.symbols), layers=layers, cells=cells))
        of_cell = (values[:, layer, cell] for values in (self.i, self.f, self.g, self.o, self.c, self.h))
        return CellTrace(layer, cell, self.text, *of_cell)


def trace(
    model: Checkpoint | nn.LSTM,
    text: str,
    symbols: Sequence[str] | None = None,
    *,
    embedding: Embedding | None = None,
    head: Head | None = None,
    hold: Holds = (),
    findings: Findings | None = None,
    once: bool = False,
) -> Trace:
    """Return all gates, states and predictions of a model along text, which is read from a state of zeros.

    model is a run, or a live `nn.LSTM` with symbols, embedding and head as `charlstm.inspect` takes them.
    hold names cells whose state is set while the text is read, as `Run.sample` takes them: {"0:17": -1.5}
    sets c of cell 17 of layer 0 at every character, {"0:17": "off@40"} from character 40 on. The cell states
    of "on" and "off" are those in findings, by default those that `charlstm inspect` saved. With once a cell
    is set only at the first of these characters and then goes on by itself: that is an intervention as an
    inspection makes it. A difference of two traces is its effect.
    Each character takes 24 bytes for each cell and 4 for each symbol. Raises UsageError for modules or
    symbols that do not fit together, for a hold that cannot be read or of a cell that does not exist,
    UnknownCharacterError for a character of text that the model does not know, CorpusError for an empty text.
    """
    network, vocabulary = model_in_hand(model, symbols, embedding, head)
    if not text:
        raise CorpusError("the text is empty", "give a text with something in it")
    ids = vocabulary.encode(text)
    run = model.path if isinstance(model, Checkpoint) else None
    holds = holds_of(hold, network.config, run=run, findings=findings)
    i, f, g, o, c, h = held_numbers(network, ids, holds, once=once) if holds else _numbers(network, ids)
    read = "".join(vocabulary.symbols[number] for number in ids)
    return Trace(read, vocabulary.symbols, i, f, g, o, c, h, _probabilities(network, h))


def _numbers(model: CharLSTM, ids: NDArray[np.unsignedinteger]) -> list[Floats]:
    """Return i, f, g, o, c and h of model along ids, each (characters, layers, cells) float32."""
    shape = (len(ids), model.config.layers, model.config.cells)
    numbers = [np.empty(shape, np.float32) for _ in range(6)]
    for block in reading.trace(model, ids, streams=1, window=_WINDOW_CHARACTERS):
        for number, layer in enumerate(block.layers):
            rows = slice(block.start, block.start + layer.c.shape[1])
            for array, values in zip(numbers, (*layer.gates, layer.c, layer.h), strict=True):
                array[rows, number] = values[0].cpu().numpy()
    return numbers


@torch.inference_mode()
def _probabilities(model: CharLSTM, h: Floats) -> Floats:
    """Return (characters, symbols) float32: the probabilities that h (characters, layers, cells) leads to."""
    scores = model.head(torch.from_numpy(h[:, -1]).to(model.device))
    probabilities: Floats = scores.softmax(1).cpu().numpy()
    return probabilities
