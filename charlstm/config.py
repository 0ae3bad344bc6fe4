"""Every setting that a user may give, as frozen dataclasses that check themselves when they are made.

Nothing here imports torch, so that `charlstm --help` stays fast.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, get_args

from charlstm.errors import UsageError
from charlstm.setting_rules import (
    Rule,
    at_least,
    check,
    length_of_training,
    must_be,
    one_length,
    one_of,
    whole,
)

TextLevel = Literal["characters", "bytes"]
SplitPart = Literal["all", "train", "validation", "test"]
Unknown = Literal["error", "skip", "replace"]
Activation = Literal["tanh", "softsign", "hardtanh", "relu", "identity"]
Optimizer = Literal["mixed", "muon", "adamw"]
Precision = Literal["auto", "float32", "bfloat16"]
StepPrecision = Literal["float32", "bfloat16", "int8"]
TracePrecision = Literal["float32", "bfloat16"]
# Percentages of a text to train on, to validate on and to test on.
DEFAULT_SPLIT = "90/5/5"
# The sum of the shares that `parse_split` returns: 100 percent, in billionths of a percent.
WHOLE_SPLIT = 100 * 10**9
# The shortest text that can be inspected has this many characters.
LEAST_INSPECTED_CHARACTERS = 20_000
# The order of the four gates in the rows of a foreign weight matrix; c and j stand for the candidate.
GateOrder = Literal["ifgo", "icfo", "ifco", "ijfo"]
# The function of the gates i, f and o. The hard one is that of Keras before 3 and the default of ONNX:
# 0.2 x + 0.5, cut at 0 and 1. PyTorch's hardsigmoid and that of Keras 3, x / 6 + 0.5, are another function.
GateActivation = Literal["sigmoid", "hard_sigmoid"]

# The gates of an LSTM in the order of PyTorch's weight rows, by the names that findings.json uses.
GATES = ("input", "forget", "candidate", "output")
ACTIVATIONS: tuple[str, ...] = get_args(Activation)
GATE_ACTIVATIONS: tuple[GateActivation, ...] = get_args(GateActivation)

# Limits of a model's shape: as many symbols as Unicode has code points, and sizes beyond any memory.
_MOST_SYMBOLS, _MOST_CELLS, _MOST_LAYERS = 0x110000, 1_000_000, 1_000
# All snapshots of a run are in one file, which is written anew with each of them.
_MOST_SNAPSHOTS = 100
# The largest absolute value that a held cell state may have, which float32 can hold, and the largest rate.
_LARGEST_CELL_STATE, _HIGHEST_RATE = 3.4e38, 1e30


def check_seed(seed: int) -> None:
    """Raise UsageError unless seed is a whole number of at least 0, as random generators need."""
    check(whole("`seed`", seed, 0))


class Functions(NamedTuple):
    """The activation functions of a layer.

    activation is that of the candidate and of the cell state's output, gate_activation that of the gates
    i, f and o. The defaults are those of the textbook's LSTM.
    """

    activation: Activation = "tanh"
    gate_activation: GateActivation = "sigmoid"


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of a CharLSTM.

    `vocabulary_size` is the number of symbols; `layers` is the number of LSTM layers and `cells` the number
    of memory cells in each; `embedding` is the number of values that stand for a symbol at the first layer;
    `dropout` is the share of a layer's outputs that is left out in training, in [0, 1); `activation` is the
    function of the candidate gate and of the cell state's output, `gate_activation` that of the other gates.
    Raises UsageError with every setting that is out of range.
    """

    vocabulary_size: int
    cells: int = 256
    layers: int = 1
    embedding: int = 64
    dropout: float = 0.0
    activation: Activation = "tanh"
    gate_activation: GateActivation = "sigmoid"

    def __post_init__(self) -> None:
        check(
            whole("the vocabulary's size", self.vocabulary_size, 1, _MOST_SYMBOLS),
            whole("`cells`", self.cells, 1, _MOST_CELLS),
            whole("`layers`", self.layers, 1, _MOST_LAYERS),
            whole("`embedding`", self.embedding, 1, _MOST_CELLS),
            must_be("`dropout`", "at least 0 and below 1", self.dropout, 0 <= self.dropout < 1),
            one_of("`activation`", self.activation, ACTIVATIONS),
            one_of("`gate_activation`", self.gate_activation, GATE_ACTIVATIONS),
        )

    @property
    def functions(self) -> Functions:
        """The functions in the equations of this model's layers."""
        return Functions(self.activation, self.gate_activation)

    @property
    def has_compiled_steps(self) -> bool:
        """Whether the compiled loops can step this model on the CPU.

        They know tanh and sigmoid gates only, as torch's own LSTM does.
        """
        return self.functions == Functions()


def parameter_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter of a CharLSTM by its name, without making the parameters."""
    cells, size = config.cells, config.vocabulary_size
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (size, config.embedding)}
    for layer in range(config.layers):
        name = f"layers.{layer}"
        shapes[f"{name}.weight_ih_l0"] = (4 * cells, cells if layer else config.embedding)
        shapes[f"{name}.weight_hh_l0"] = (4 * cells, cells)
        shapes |= {f"{name}.{bias}_l0": (4 * cells,) for bias in ("bias_ih", "bias_hh")}
    return shapes | {"head.weight": (size, cells), "head.bias": (size,)}


def check_cell(layer: int, number: int, model: ModelConfig) -> None:
    """Raise UsageError unless a model of this shape has the layer, and in it the cell of this number."""
    if not (0 <= layer < model.layers and 0 <= number < model.cells):
        last = model.layers - 1
        layers = f"give a layer from 0 to {last} and" if last else "layer 0 is the only one; give"
        raise UsageError(
            f"the model has no cell {layer}:{number}", f"{layers} a cell from 0 to {model.cells - 1}"
        )


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a model is trained. Exactly one of minutes, steps and epochs says for how long.

    minutes and epochs are from 1e-9 to 1e9, steps a whole number of at least 1.
    streams is the number of pieces that the text is cut into and that are read side by side, window the
    number of characters of each between two updates. learning_rate is the peak rate of Muon, and AdamW's
    rates are fixed multiples of it (see training/optimizers.py, also for the three values of optimizer).
    warmup is the share of the run in which the rate rises, in [0, 1). clip_norm bounds the norm of the
    gradient, more tightly while the rate rises. recurrent_l1 pulls recurrent weights to 0, weight_decay the
    matrices of the LSTM; both are multiplied by the rate. evaluate_every and save_every are in steps; 0
    evaluates up to ten times a run, and saves at evaluations only. patience is the number of evaluations
    without a better value after which training stops; 0 never stops early. snapshots is the number of copies
    of the weights that are kept along the run; 0 keeps none.
    A run that was finished and then extended began its last part after extended_after_step steps and
    extended_after_seconds seconds; both are 0 for any other run.
    Raises UsageError with every setting that is out of range.
    """

    minutes: float | None = None
    steps: int | None = None
    epochs: float | None = None
    streams: int = 64
    window: int = 64
    learning_rate: float = 0.012
    optimizer: Optimizer = "mixed"
    warmup: float = 0.02
    clip_norm: float = 1.0
    recurrent_l1: float = 0.02
    weight_decay: float = 0.0
    evaluate_every: int = 0
    save_every: int = 0
    patience: int = 0
    snapshots: int = 0
    precision: Precision = "auto"
    seed: int = 0
    extended_after_step: int = 0
    extended_after_seconds: float = 0.0

    def __post_init__(self) -> None:
        check(
            one_length({"minutes": self.minutes, "steps": self.steps, "epochs": self.epochs}),
            length_of_training("`minutes`", 1 if self.minutes is None else self.minutes),
            whole("`steps`", 1 if self.steps is None else self.steps, 1),
            length_of_training("`epochs`", 1 if self.epochs is None else self.epochs),
            whole("`streams`", self.streams, 1),
            whole("`window`", self.window, 1),
            must_be(
                "`learning_rate`",
                f"above 0 and at most {_HIGHEST_RATE:g}",
                self.learning_rate,
                0 < self.learning_rate <= _HIGHEST_RATE,
            ),
            one_of("`optimizer`", self.optimizer, get_args(Optimizer)),
            must_be(
                "`warmup`",
                "a share of the run, at least 0 and below 1",
                self.warmup,
                0 <= self.warmup < 1,
            ),
            must_be("`clip_norm`", "above 0", self.clip_norm, self.clip_norm > 0),
            at_least("`recurrent_l1`", self.recurrent_l1, 0),
            at_least("`weight_decay`", self.weight_decay, 0),
            whole("`evaluate_every`", self.evaluate_every, 0),
            whole("`save_every`", self.save_every, 0),
            whole("`patience`", self.patience, 0),
            whole("`snapshots`", self.snapshots, 0, _MOST_SNAPSHOTS),
            whole("`seed`", self.seed, 0),
            one_of("`precision`", self.precision, get_args(Precision)),
            whole("the step before the last part", self.extended_after_step, 0),
            at_least("the seconds before the last part", self.extended_after_seconds, 0),
        )


@dataclass(frozen=True)
class Hold:
    """A cell whose state is set to `value` at drawn character number `start` and at every later one.

    `layer`, `cell` and `start` count from 0. Raises UsageError with everything that is out of range.
    """

    layer: int
    cell: int
    value: float
    start: int = 0

    def __post_init__(self) -> None:
        check(
            whole("the layer of a held cell", self.layer, 0),
            whole("the number of a held cell", self.cell, 0),
            must_be("a held cell state", "finite", self.value, abs(self.value) <= _LARGEST_CELL_STATE),
            whole("the character that a cell is held from", self.start, 0),
        )


def parse_hold(spec: str, level: Callable[[int, int, str], float]) -> Hold:
    """Read a hold from text of the form "LAYER:CELL=VALUE[@FROM]".

    VALUE is a number, or on or off, for which level(layer, cell, "on" or "off") gives the cell state. FROM is
    the `start` of the hold, 0 where it is not given.
    Raises UsageError for a text of another form, and whatever level raises.
    """
    found = re.fullmatch(r"(-?\d{1,9}):(-?\d{1,9})=([^@]+)(?:@(-?\d{1,9}))?", spec, re.ASCII)
    if found is None:
        raise _no_hold(spec)
    layer, cell, start = int(found[1]), int(found[2]), int(found[4] or 0)
    if found[3] in ("on", "off"):
        return Hold(layer, cell, level(layer, cell, found[3]), start)
    try:
        return Hold(layer, cell, float(found[3]), start)
    except ValueError:
        raise _no_hold(spec) from None


def _no_hold(spec: str) -> UsageError:
    """Return the problem with a text that does not describe a hold."""
    return UsageError(
        f"{spec!r} does not say which cell to hold at what",
        "write LAYER:CELL=VALUE[@FROM] with VALUE on, off or a cell state, as 0:194=on or 0:17=-1.5@100",
    )


def parse_split(spec: str) -> tuple[int, ...]:
    """Return the shares in "90/5/5" (train/validation/test) or "90/10" (train/validation), as exact numbers.

    They are in billionths of a percent, and their sum is WHOLE_SPLIT. Each is written with up to three digits
    before the point and up to nine after it. Raises UsageError for anything else.
    """
    parts = [re.fullmatch(r" *(\d{1,3})(?:\.(\d{1,9}))? *", part, re.ASCII) for part in spec.split("/", 3)]
    shares = [int(part[1]) * 10**9 + int((part[2] or "").ljust(9, "0")) for part in parts if part]
    if len(shares) != len(parts) or len(parts) not in (2, 3) or sum(shares) != WHOLE_SPLIT or shares[0] == 0:
        raise UsageError(
            f"the split {spec!r:.60} is not two or three percentages that sum to 100",
            "give train/validation/test such as 90/5/5, or train/validation such as 90/10",
        )
    return tuple(shares)


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How characters are drawn from a model.

    length is the number of characters to draw, in each of count texts. Logits are divided by temperature,
    and temperature 0 takes the likeliest character. Only the top_k likeliest characters can be drawn (0: all)
    and of these the likeliest whose probabilities add up to top_p (1: all). A text ends where stop appears.
    hold lists cells that are set to a value; of several holds of one cell the latest start counts, so a cell
    can be switched on and later off. precision is the number format of the layers' weights in products;
    "int8" has 8 bits and a scale for each row of weights.
    Raises UsageError with every setting that is out of range.
    """

    length: int = 500
    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    count: int = 1
    stop: str | None = None
    hold: tuple[Hold, ...] = ()
    precision: StepPrecision = "float32"

    def __post_init__(self) -> None:
        check(
            whole("`length`", self.length, 0),
            at_least("`temperature`", self.temperature, 0),
            whole("`top_k`", self.top_k, 0),
            must_be("`top_p`", "above 0 and at most 1", self.top_p, 0 < self.top_p <= 1),
            whole("`count`", self.count, 1),
            one_of("`precision`", self.precision, get_args(StepPrecision)),
            Rule(self.stop != "", "`stop` must have at least one character", "give it one, or leave it out"),
        )


@dataclass(frozen=True, kw_only=True)
class InspectionConfig:
    """How much text an inspection reads, and how strict it is.

    characters is the largest number of characters that is read. streams is the number of stretches of the
    text that are read side by side. shifts is the number of circular shifts behind the null distribution, and
    significance the largest p-value that passes. interventions is the number of cells, the best first, that
    are intervened on, and top the number whose excerpts the page shows. features are the user's own, each
    NAME=RULE. seed fixes the excerpts and the spans of the gradients. imported says that the model was
    trained elsewhere, so that it is not known how its weights began. precision is the number format of the
    products by which networks read the text for statistics; interventions are in float32.
    Raises UsageError with every setting that is out of range.
    """

    characters: int = 400_000
    shifts: int = 99
    streams: int = 16
    significance: float = 0.01
    interventions: int = 32
    top: int = 12
    features: tuple[str, ...] = ()
    seed: int = 0
    imported: bool = False
    precision: TracePrecision = "float32"

    def __post_init__(self) -> None:
        check(
            whole("`characters`", self.characters, 1),
            whole("`shifts`", self.shifts, 1),
            whole("`streams`", self.streams, 1),
            must_be("`significance`", "above 0 and at most 1", self.significance, 0 < self.significance <= 1),
            whole("`interventions`", self.interventions, 0),
            whole("`top`", self.top, 1),
            whole("`seed`", self.seed, 0),
            one_of("`precision`", self.precision, get_args(TracePrecision)),
        )


def plain(config: ModelConfig | TrainingConfig | SamplingConfig | InspectionConfig) -> dict[str, Any]:
    """Return the settings of a config as a dict of JSON values."""
    return asdict(config)
