"""The words of the page and what each means, in one place: behind each term, and in the page's last section.

`charlstm/README.md` lists the words of the code; where both explain a word, they mean the same.
"""

from dataclasses import dataclass

from charlstm.report.words.phrases import Phrase, Sentence


@dataclass(frozen=True)
class Term:
    """A word of the page, its meaning in two sentences at most, and the forms in which the page has it."""

    name: str
    meaning: Sentence
    forms: tuple[str, ...]

    @property
    def key(self) -> str:
        """The name by which the page's script finds the term: lower case, with hyphens for spaces."""
        return self.name.lower().replace(" ", "-")


def _term(name: str, meaning: str, *forms: str) -> Term:
    """Return a term; `characters` of a text stand between backquotes, and forms has the name itself, too."""
    pieces = (Phrase(piece, code=bool(place % 2)) for place, piece in enumerate(meaning.split("`")))
    return Term(name, tuple(piece for piece in pieces if piece.text), (name, *forms))


# In reading order: the cell and its gates, what cells do, how that was measured, what the network expects.
GLOSSARY: tuple[Term, ...] = (
    _term(
        "cell",
        "One number that the network carries along the text and can keep, erase or overwrite at each "
        "character. It is named layer:cell, both from 0: 0:57 is cell 57 of the first layer.",
        "cells",
        "memory cell",
    ),
    _term(
        "layer",
        "Cells that work side by side. The first layer reads the characters, each further one the "
        "layer below.",
        "layers",
    ),
    _term(
        "gate",
        "A number that the network computes anew at each character, to multiply something by: 0 is shut, 1 "
        "is open. Each cell has four: input, forget and output, and the candidate, which can be below 0.",
        "gates",
    ),
    _term(
        "input gate",
        "How much of the candidate is added to the cell. In a cell that follows quotes it opens at `'`.",
    ),
    _term(
        "forget gate",
        "How much of the cell state is kept from one character to the next: 1 keeps all of it, 0 erases it.",
    ),
    _term(
        "candidate",
        "What a cell would take in at this character, between −1 and 1. The input gate says how much "
        "of it is added.",
    ),
    _term(
        "output gate",
        "How much of a cell the rest of the network sees at this character.",
    ),
    _term(
        "cell state",
        "The value of a cell, c: the forget gate times c before, plus the input gate times the "
        "candidate. Colours show it as tanh(c), which lies between −1 and 1.",
        "tanh(c)",
    ),
    _term(
        "hidden state",
        "What the rest of the network sees of a cell, h: the output gate times tanh(c).",
    ),
    _term(
        "weight",
        "A number that training has set: how much one value counts in a sum. The part of a sum that "
        "is always there is its bias.",
        "weights",
        "bias",
    ),
    _term(
        "sigmoid",
        "A curve that makes a number between 0 and 1 of any sum: 0 becomes 0.5, +3 becomes 0.95.",
        "hard sigmoid",
    ),
    _term(
        "kind",
        "What a cell does with its feature: it is a toggle, a latch, a counter, a depth counter or graded.",
    ),
    _term(
        "feature",
        "A property that is computed from the text alone, one number for each character: 1 inside "
        "quotes and 0 outside, or the column.",
        "features",
    ),
    _term(
        "switch",
        "A cell with two levels, on and off, that holds its level between the characters that change it.",
        "switches",
    ),
    _term(
        "toggle",
        'A switch that the same character turns on and off, as `"` at both ends of a quotation.',
        "toggles",
    ),
    _term(
        "latch",
        "A switch that one character turns on and another one off: a cell that follows comments, at `#` "
        "and at the line break.",
        "latches",
    ),
    _term(
        "graded",
        "A cell that follows its feature by degrees, without two clear levels.",
        "by degrees",
    ),
    _term(
        "counter",
        "A cell that takes equal steps and then starts again, as at every character of a line until "
        "the line break.",
        "counters",
    ),
    _term(
        "depth counter",
        "A cell that goes a step up at each opening character and a step down at each closing one: "
        "two steps at `((`.",
        "depth counters",
    ),
    _term(
        "driver",
        "The characters that move a cell: `'` moves one that follows quotes.",
        "drivers",
    ),
    _term(
        "closing character",
        'The character with which a feature ends, as the second `"` of a quotation. Tests ask how '
        "probable it is there.",
        "closing characters",
        "closer",
    ),
    _term(
        "held-out text",
        "A part of the text that was kept aside while cells and features were paired. A score there "
        "is not a lucky choice.",
        "held-out",
        "held out",
    ),
    _term(
        "score",
        "How closely a cell follows its feature on held-out text: a correlation, where 1 is always "
        "and 0 not at all. Switches and depths count as if they were on half of the time, so that "
        "rare ones can be compared.",
        "scores",
    ),
    _term(
        "chance",
        "The highest score that any cell reaches with any feature when the features are shifted along "
        "the text, so that nothing can be found. A score has to lie above it.",
        "null max",
        "null",
    ),
    _term(
        "nats",
        "The unit of a change of a log probability: −0.69 nats makes a character half as probable, "
        "−2.3 a tenth.",
    ),
    _term(
        "effect",
        "The change of the closing character's log probability, in nats, when the cell's memory is "
        "taken away. Far below 0: the prediction needs the cell.",
        "effects",
    ),
    _term(
        "95% interval",
        "The range in which the true value lies with 95% confidence. It is wide where few places were "
        "tested.",
        "95% intervals",
        "interval",
        "intervals",
    ),
    _term(
        "carries",
        "Of what all cells together remember for the closing character, the share that this cell remembers "
        "alone.",
    ),
    _term(
        "p-value",
        "How probable a result this clear would be if the effect were not beyond the limit that is "
        "asked. It allows for all cells that were tested.",
        "p",
    ),
    _term(
        "verdict",
        "What changing the cell showed: verified, redundant, correlate or undecided.",
        "verdicts",
    ),
    _term(
        "verified",
        "The prediction of the feature's end needs the cell's memory, far more than that of other "
        "cells, and the cell alone is enough for a part of it.",
    ),
    _term(
        "redundant",
        "The prediction needs several cells together, and this is one of them.",
    ),
    _term(
        "correlate",
        "The cell follows the feature, and little depends on it.",
    ),
    _term(
        "undecided",
        "None of the other verdicts was shown: the numbers allow more than one.",
    ),
    _term(
        "sign",
        "+ where c rises with the feature, − where it falls. Colours are turned so that orange is on "
        "in every cell.",
    ),
    _term(
        "untrained network",
        "A network of the same shape with random weights. What is found in it can be found without learning.",
        "untrained networks",
        "untrained",
    ),
    _term(
        "matched cells",
        "Other cells that vary like this one. They are changed as this one is, for comparison.",
    ),
    _term(
        "trigram",
        "A prediction from the last two characters alone, by counting what followed them elsewhere in "
        "the text.",
    ),
    _term(
        "gradient",
        "How much the prediction would get better or worse by a small change of a value. Training "
        "follows it.",
    ),
    _term(
        "logit",
        "The score of a next character before it becomes a probability: a sum over all cells of the "
        "last layer. Adding 0.69 doubles its odds.",
        "logits",
        "odds",
    ),
    _term(
        "softmax",
        "What makes probabilities of logits: e to each logit, divided by the sum of these, so that "
        "all add up to 1.",
    ),
    _term(
        "bits per character",
        "How surprised the network is by the next character on average. 1 bit is as hard as a coin; "
        "fewer are better.",
    ),
    _term(
        "temperature",
        "How freely the next character is drawn: 0 takes the likeliest one, 1 draws by the probabilities.",
    ),
)
MEANINGS = {term.name: term.meaning for term in GLOSSARY}
