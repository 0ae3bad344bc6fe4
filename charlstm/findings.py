"""Findings are the results of an inspection as plain data, written to and read from findings.json.

findings.json is a contract: fields are only ever added. Reading ignores fields that it does not know, and
refuses a document that lacks a field without a default or has a field of the wrong type (`findings_file.py`).
This module imports no torch, because the report page reads findings without it.

Units and names used by every class here:

- A score is the size |r| of Pearson's correlation of a cell state c with a feature, in [0, 1].
- A cell is written "layer:cell", both numbers from 0.
- c has no unit and no bounds; a gate is in [0, 1]; an effect is in nats, the unit of a natural logarithm.
- A split is one of the four pieces of the text: "calibrate", "discover", "confirm" and "intervene".
- None is the value of a number that does not apply or could not be measured.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from charlstm.errors import UsageError
from charlstm.findings_file import (
    WRITE_AGAIN,
    checked,
    document_in_folder,
    json_values,
    read_document,
    write_document,
)

# The version that is written, and all versions that can be read: fields are only ever added.
SCHEMA_VERSION = 2
READABLE_VERSIONS = (1, 2)

# What a cell is called. A toggle and a latch are switches: the same characters turn a toggle on and off, and
# other characters turn a latch on than off. A graded cell follows a switch without two levels of its own, or
# holds depths together with other cells. A counter and a depth counter step.
Kind = Literal["toggle", "latch", "graded", "counter", "depth_counter"]
# Whether the model uses a cell. verified: the model's prediction of the feature's end needs the cell, and the
# cell alone is enough for a part of it. redundant: the prediction needs a group of cells that the cell is
# part of. correlate: the intervals show that little is lost when the cell's memory is taken away. undecided:
# none of these was shown.
Verdict = Literal["verified", "redundant", "correlate", "undecided"]
# A JSON object.
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """ModelFacts describe the model that was inspected.

    layers: number of LSTM layers.
    cells: number of cells in each layer.
    activation: name of the function that the candidate and the cell state pass through, "tanh" for example.
    vocabulary_size: number of characters that the model knows.
    parameters: number of trainable numbers in the model.
    bits_per_character: bits per character on the validation text of the model's training, or None.
    checkpoint: folder of the run that the model was read from, or None.
    gate_activation: name of the function of the input, forget and output gates, "sigmoid" or "hard_sigmoid".
    """

    layers: int
    cells: int
    activation: str
    vocabulary_size: int
    parameters: int
    bits_per_character: float | None = None
    checkpoint: str | None = None
    gate_activation: str = "sigmoid"


@dataclass(frozen=True, kw_only=True)
class CorpusFacts:
    """CorpusFacts describe the text that was inspected.

    name: name of the corpus.
    sha256: SHA-256 of the text, in hexadecimal digits.
    characters: number of characters that the inspection read.
    splits: the bounds of each split in the text, [first character, one past the last character].
    trained_on_characters: how many of the inspected characters the model was trained on, None where unknown.
    """

    name: str
    sha256: str
    characters: int
    splits: dict[str, list[int]]
    trained_on_characters: int | None = None


@dataclass(frozen=True, kw_only=True)
class Method:
    """Method says what was tested, and what the results were compared with.

    features: names of the features that cells were compared with.
    dropped_features: names of the features that vary too little in the text to be tested.
    aliases: name of a feature -> name of the tested feature that has the same values.
    null: how chance was measured, by circular shifts of the features along the text. `shifts` is their
        number, `independent_shifts` how many of them are independent, `shortest_shift` the least of them in
        characters, `significance` the largest p-value of a
        finding; `discovery` and `held_out` are the largest scores in each shift, ascending, on the splits
        "discover" and "confirm".
    rules: name of a rule -> the limit that a finding has to keep; `least_score` is the least score of a
        finding.
    controls: what the same search finds where nothing should be found: in an untrained network, in a network
        with shuffled gates, and with features made of ordinary letters. `untrained` and `gate_shuffled` have
        the numbers of `candidates` (cells with a feature that pass on "discover") and of `findings`, and
        the `best_score` of any cell in the first of several `networks`, and all their numbers
        (`candidates_of_each`, `findings_of_each`); `pseudo_features` has the number of `features`, how many
        `candidates` follow them, and the `false_discovery_rate` in [0, 1] that this amounts to; `findings`
        and `false_finding_rate` are the same after "confirm".
    seed: seed of excerpts and of the spans of gradients; no finding and no verdict depends on it.
    precision: number format of the products by which networks read the text for statistics, "float32" or
        "bfloat16".
    share: share of the model's cells that have a finding (`cells`, in [0, 1]), and that share less the one
        of each control network (`above_untrained`, `above_gate_shuffled`, in [-1, 1]), each with the two
        ends of its 95% interval (`interval`, `above_untrained_interval`, `above_gate_shuffled_interval`).
    """

    features: list[str]
    dropped_features: list[str]
    aliases: dict[str, str]
    null: Json
    rules: dict[str, float]
    controls: dict[str, Json]
    seed: int
    precision: str = "float32"
    share: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Detection:
    """Detection says how well a cell follows its feature.

    Measured on the split "discover":

    score: |r| of the cell with the feature.
    discovery_p_value: p-value of equal_share among the shifts of the feature, in (0, 1].
    null_max: largest correlation at equal shares of any cell with any shifted feature.
    untrained_score: score that hardly any reference network reaches with the feature, in [0, 1]: the mean of
        the best cells of several networks and three standard deviations more, of Fisher's z. Reference
        networks are untrained ones of this shape or, for an imported model, its own with shuffled gates. A
        score is the one at equal shares where the feature is a switch or a depth.
    equal_share: the correlation at equal shares, in [0, 1]: that with a switch or a depth, as if it were on
        half of the time. For a counter it is `score`. This decides.
    feature_null_max: largest correlation at equal shares of any cell with this feature shifted.
    runner_up: the next best feature of the cell: its name (`feature`), its correlation at equal shares
        (`score`), and where the cell stands at the characters where the two features differ (`contrast`): 1
        where it does what its own feature says, 0 where it does what the runner-up says, None where they
        hardly differ. None where no other feature comes near.
    drivers_from: "cell" where the drivers predict the cell's own flips, "feature" where they are those of the
        feature.
    partners: cells of the same layer that step at the same characters as this one, some in the same and some
        in the other direction: together they carry depths that none of them counts alone.
    memory: share of the variance of c that the last few characters do not explain, in [0, 1].

    Measured on the split "calibrate":

    level_share: share of the variance of c that lies between its two levels, in [0, 1].
    threshold: value of c between the two levels; on one side of it the cell is on.
    two_levels: whether the cell has two levels as a toggle or a latch must (`passes`), and what that rests
        on: the `share` of variance between the levels and the share of positions in the `middle` half of the
        gap, both with the levels counting half each, the share of positions at the `rarer` level, whether
        these are of tanh(c) (`of_tanh`), and the median number of characters that the cell stays at a level
        (`dwell`, measured on "confirm"). `feature_share` is the share of variance between the two states of
        the switch that the cell follows, on "confirm" and counting half each, 0 for a depth: where it is
        large enough, these states are the levels. None for a counter.

    Measured on the split "confirm", which had no part in the choice of the feature:

    held_out_score: |r| of the cell with the feature; findings are sorted by it.
    held_out_equal_share: correlation at equal shares, as `equal_share`.
    held_out_interval: the two ends of its 95% interval, by a block bootstrap.
    near_limit: whether this interval reaches down to the least score with which a cell is chosen: on other
        text the cell may not be found.
    auc: chance that c tells a position where the feature is on from one where it is off, in [0, 1]; 0.5 is
        chance alone. None for a counter.
    auc_interval: the two ends of its 95% interval.
    held_out_partial: score that is left when the current character is known.
    held_out_context_partial: score that is left when the last three characters, the column and the number of
        characters since a space are known.
    held_out_null_max: largest correlation at equal shares of any candidate pair with its feature shifted.
    p_value: p-value of held_out_equal_share, corrected for the number of candidate pairs, in (0, 1].
    slope: change of c for each unit of the feature; negative where the polarity is -1.

    Measured on the split "confirm" for a switch feature, which is off or on, else None:

    accuracy: share of positions at which the cell is on exactly if the feature is on, in [0, 1].
    balanced_accuracy: mean of the shares of right positions where the feature is on and where it is off.
    levels: mean of c where the feature is "off" and where it is "on".
    held: share of positions without a change of the feature at which the cell keeps its side, in [0, 1].
    survival: how often the cell is on k characters after the feature went on, of all times that the feature
        is still on then, in [0, 1], for k = 0, 1, 2, ...

    Measured on the split "confirm" where the feature is a counter or a depth, else None:

    straightness: R^2 of a line through the mean of c by value of the feature, in [0, 1].
    reset_spread: variance of c where the feature is 0, divided by its variance everywhere, at least 0.
    leak: loss per step, as a share of the count, times the 90th percentile of the values, at least 0. Up to
        0.5 the cell counts in a line, up to about 2 it saturates, beyond that it fades.
    rising: share of the steps of the staircase in its commonest direction, in [0, 1].
    shape: "linear" up to a leak of 0.5, else "saturating".
    staircase: mean of c at each value of the feature from 0 on, less the mean of c on "calibrate".
    levels_told_apart: number of values, 0 included, whose means of c are clearly apart from one another.
    """

    score: float
    discovery_p_value: float
    null_max: float
    held_out_score: float
    held_out_partial: float
    held_out_null_max: float
    p_value: float
    untrained_score: float
    memory: float
    level_share: float
    threshold: float
    slope: float
    accuracy: float | None
    balanced_accuracy: float | None
    straightness: float | None
    held_out_context_partial: float | None = None
    levels: dict[str, float] | None = None
    held: float | None = None
    survival: list[float] | None = None
    reset_spread: float | None = None
    leak: float | None = None
    shape: str | None = None
    staircase: list[float] | None = None
    levels_told_apart: int | None = None
    equal_share: float | None = None
    feature_null_max: float | None = None
    held_out_equal_share: float | None = None
    held_out_interval: list[float] | None = None
    near_limit: bool | None = None
    auc: float | None = None
    auc_interval: list[float] | None = None
    two_levels: Json | None = None
    runner_up: Json | None = None
    drivers_from: str | None = None
    rising: float | None = None
    partners: list[int] | None = None


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """Mechanism has the mean gates of a cell on the split "confirm", and the weights that move the cell.

    A position is at a driver where the current character is the last one of a driver.

    input_gate, forget_gate: mean gates at all positions that are not at a driver, in [0, 1].
    input_gate_at_drivers, forget_gate_at_drivers: mean gates at the drivers, in [0, 1].
    output_gate: mean output gate at all positions, in [0, 1].
    output_saturation: share of all positions at which |tanh(c)| is above 0.9, in [0, 1].
    weights: the largest weights into and out of the cell by where they come from and lead to (`from_driver`,
        `from_self`, `from_cells`, `to_logits`, `to_cells`). report/README.md lists its fields;
        `inspection/gates/wiring.py` makes them.
    """

    input_gate: float
    input_gate_at_drivers: float
    forget_gate: float
    forget_gate_at_drivers: float
    output_gate: float
    output_saturation: float
    weights: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A Finding is one cell, the feature that it follows, and what shows whether the model uses the cell.

    layer, cell: the cell's numbers, from 0.
    kind: what the cell is called.
    feature: name of the feature.
    drivers: what the driving characters do ("set", "reset", "step", "unstep") -> the strings that do it;
        ["*"] means every character.
    polarity: sign of the correlation of c with the feature, 1 or -1.
    detection: how well the cell follows the feature.
    mechanism: the gates and the weights of the cell.
    causal: what happened when the cell was changed and the model then read on. `target` is the set of
        characters that end the feature, `effect_nats` the mean change of the log probability of the target,
        `lag` the number of characters between change and target, `sites` the number of places, `p_value` the
        corrected p-value of an effect beyond the limit, in [0, 1]. report/README.md lists all its fields;
        `inspection/intervening/proof_data.py` makes them. None where the cell was not changed, because the
        text has too few targets or other findings have better scores.
    verdict: whether the model uses the cell; None where causal is None.
    evidence: the tests that the verdict rests on (`necessity`, `dose`, `sufficiency`, `interchange`,
        `specificity`, `rank`), with 95% intervals, and which `conditions` hold. report/README.md lists its
        fields. None where causal is None, and in findings of schema version 1.
    grade: `share` of the behaviour that the cell carries, 1 for all, with its 95% interval `low` and `high`,
        and `of` what: "direction", of what the feature's best linear direction of every layer does. None
        where evidence is None, and where that direction does not surely do anything.
    portrait: c around the events of the feature, by its level and in three excerpts. report/README.md lists
        its fields; `inspection/describing/portraits.py` makes them. None for all but the findings with the
        best scores.
    examples: held-out text along which the cell can be seen at work: an excerpt of its own in which its
        feature goes on and off, and about twenty short lines. report/README.md lists its fields;
        `inspection/describing/examples.py` makes them. None where portrait is None, and in findings that
        were written before there were examples.
    """

    layer: int
    cell: int
    kind: Kind
    feature: str
    drivers: dict[str, list[str]]
    polarity: int
    detection: Detection
    mechanism: Mechanism
    causal: Json | None = None
    verdict: Verdict | None = None
    portrait: Json | None = None
    evidence: Json | None = None
    grade: Json | None = None
    examples: Json | None = None


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """An Excerpt is a contiguous piece of the text with what some cells do at each of its characters.

    split: name of the split that the piece is from.
    start: position of its first character in the whole text.
    text: its characters.
    cells: "layer:cell" -> name of a line -> one number for each character of text. The lines are `tanh_c` in
        [-1, 1], `c`, and the gates `input`, `forget` and `output` in [0, 1] and `candidate`.
    features: name of a feature -> its value, an integer from 0 to 255, for each character of text.
    grid: tanh(c) of many cells at each character of text, compressed. report/README.md lists its fields and
        shows how to read it; `inspection/describing/excerpts.py` makes them.
    """

    split: str
    start: int
    text: str
    cells: dict[str, dict[str, list[float]]]
    features: dict[str, list[int]]
    grid: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, repr=False)
class Findings:
    """Findings are everything that one inspection of a model on a text has found: a whole findings.json.

    schema_version: version of the document's form.
    model: the model that was inspected.
    corpus: the text that was inspected.
    method: what was tested, and what the results were compared with.
    findings: the cells that follow a feature, in descending order of `detection.held_out_score`.
    gates: how often the gates of each layer are nearly open and nearly shut, as shares of positions in
        [0, 1], in the model and in an untrained network. report/README.md lists its fields;
        `inspection/gates/saturation.py` makes them.
    credit: how the gradient of the loss reaches cells through time, for the best feature that is on over
        spans of text, or {}. report/README.md lists its fields; `inspection/gates/gradients.py` makes them.
    excerpts: the pieces of text that the report page shows.
    provenance: the versions of charlstm, torch and Python, the machine, the SHA-256 of the weights, the
        command line and the time of writing.
    behaviours: for each tested ending of a feature, which sets of cells it rests on.
    unexpected: cells that a behaviour needs and that follow no feature.
    edges: what passes from one cell to another, and from cells to the prediction.
    rules: `version` of the rules by which cells get their labels. These four are empty in findings of schema
        version 1.
    over_time: what the found cells did at earlier points of the training, or {}. report/README.md lists its
        fields; `inspection/over_time.py` makes them.
    """

    schema_version: int = SCHEMA_VERSION
    model: ModelFacts
    corpus: CorpusFacts
    method: Method
    findings: list[Finding]
    gates: Json
    credit: Json = field(default_factory=dict)
    excerpts: list[Excerpt] = field(default_factory=list)
    provenance: Json = field(default_factory=dict)
    behaviours: list[Json] = field(default_factory=list)
    unexpected: list[Json] = field(default_factory=list)
    edges: list[Json] = field(default_factory=list)
    rules: Json = field(default_factory=dict)
    over_time: Json = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return in one line how much was found, in which text and model."""
        cells = self.model.layers * self.model.cells
        verified = sum(finding.verdict == "verified" for finding in self.findings)
        found = f"{len(self.findings)} of {cells} cells follow a feature, {verified} verified"
        return f"<Findings: {found}; {self.corpus.characters:,} characters of {self.corpus.name}>"

    def records(self) -> list[Json]:
        """Return one flat dictionary for each finding, as a table of pandas or polars takes it.

        layer, cell, kind, feature and verdict are the finding's. set_by and reset_by are the characters that
        move the cell, in one text each. score is the held-out score that decided, effect_nats the effect on
        the closing character, and carries the share of it that the cell carries; each has the ends of its 95%
        interval beside it, such as score_low and effect_high. None stands for what was not measured.
        """
        return [_record(finding) for finding in self.findings]

    def to_json(self) -> Json:
        """Return the whole document as JSON values."""
        document: Json = json_values(self)
        return document

    @classmethod
    def from_json(cls, document: Any) -> "Findings":
        """Return the findings that document, the JSON values of a findings.json, holds.

        Raises UsageError with the name of the first field that is missing or has a wrong type, and where the
        schema_version is none of READABLE_VERSIONS.
        """
        findings = checked(cls, document)
        if findings.schema_version not in READABLE_VERSIONS:
            raise UsageError(
                f"findings.json has schema_version {findings.schema_version}, not "
                f"{' or '.join(map(str, READABLE_VERSIONS))}",
                WRITE_AGAIN,
            )
        return findings

    def save(self, path: str | Path) -> None:
        """Write the document to the file path, creating its folder; the file is written whole or not at all.

        Raises UsageError where the file cannot be written.
        """
        write_document(path, self.to_json())

    @classmethod
    def load_from(cls, folder: Path) -> "Findings":
        """Return the findings in the findings.json of a run's folder.

        Raises UsageError where `load` does, and for a link that leads out of the folder.
        """
        return cls.from_json(document_in_folder(folder))

    @classmethod
    def load(cls, path: str | Path) -> "Findings":
        """Return the findings in the file path.

        Raises UsageError where the file is missing, is not JSON, is too large or does not hold findings.
        """
        return cls.from_json(read_document(path))


def _record(finding: Finding) -> Json:
    """Return a finding as a flat dictionary, see `Findings.records`."""
    detection, grade = finding.detection, finding.grade or {}
    by_share = detection.held_out_equal_share
    low, high = detection.held_out_interval or (None, None)
    causal = finding.causal or {}
    effect_low, effect_high = causal.get("interval") or (None, None)
    setting = [*finding.drivers.get("set", []), *finding.drivers.get("step", [])]
    resetting = [*finding.drivers.get("reset", []), *finding.drivers.get("unstep", [])]
    return {
        "layer": finding.layer,
        "cell": finding.cell,
        "kind": finding.kind,
        "feature": finding.feature,
        "set_by": " ".join(setting),
        "reset_by": " ".join(resetting),
        "score": detection.held_out_score if by_share is None else by_share,
        "score_low": low,
        "score_high": high,
        "verdict": finding.verdict,
        "effect_nats": causal.get("effect_nats"),
        "effect_low": effect_low,
        "effect_high": effect_high,
        "carries": grade.get("share"),
        "carries_low": grade.get("low"),
        "carries_high": grade.get("high"),
    }
