"""What `charlstm sample` does: draws texts from a run, with cells held.

Models of tanh cells with sigmoid gates are drawn from without importing torch, which takes longer than
drawing a text.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import RunConfig, load_config
from charlstm.checkpoint.weights import load_weights
from charlstm.config import Hold, ModelConfig, SamplingConfig, Unknown, check_cell, check_seed, parse_hold
from charlstm.errors import UnknownCharacterError, UsageError
from charlstm.findings import Findings
from charlstm.machine.processors import default_thread_count
from charlstm.model.packed_weights import stream_weights
from charlstm.model.ready_loops import are_ready
from charlstm.run_files import FINDINGS, findings_folder
from charlstm.sampling.blocks import draw_after, seeded_uniforms
from charlstm.sampling.spelling import decode_streams, encode_prompt
from charlstm.tasks.next_commands import inspect_command
from charlstm.text.line_ends import refuse_line_ends
from charlstm.text.vocabulary import unknown_note


def sample_run(
    path: Path, prompt: str, *, config: SamplingConfig, seed: int, unknown: Unknown = "error"
) -> Iterator[list[str]]:
    """Yield what each of config.count streams adds to its text, drawn from the best model of a run.

    path is the run's folder. All streams read prompt first and then draw config.length symbols; a symbol of a
    run on bytes may add "". seed decides the draws: the text is the same whether torch draws it or not. The
    first text equals the one drawn with count=1.
    unknown says what happens to characters of prompt that the run's vocabulary does not have. Raises
    CheckpointError when the run cannot be used, UsageError for a seed out of range and for a hold of a cell
    that the model does not have, UnknownCharacterError for a prompt that cannot be spelled.
    """
    check_seed(seed)
    run = load_config(path)
    if run.model.has_compiled_steps and are_ready(config.precision):
        yield from _drawn_in_blocks(path, run, prompt, config, seed, unknown)
        return
    import torch

    from charlstm.sampling.sampler import sample

    generator = torch.Generator().manual_seed(seed)
    model, vocabulary = load(path).model, run.vocabulary
    yield from sample(model, vocabulary, prompt, config=config, generator=generator, unknown=unknown)


def _drawn_in_blocks(
    path: Path, run: RunConfig, prompt: str, config: SamplingConfig, seed: int, unknown: Unknown
) -> Iterator[list[str]]:
    """Yield the pieces of text that sample_run yields, from compiled loops that need no torch."""
    for hold in config.hold:
        check_cell(hold.layer, hold.cell, run.model)
    weights = stream_weights(load_weights(path, run.model).tensors, config.precision)
    ids = np.array(encode_prompt(prompt, run.vocabulary, unknown), np.int64)
    uniforms = seeded_uniforms(seed, config.count)
    drawn = draw_after(weights, ids, config=config, uniforms=uniforms, threads=default_thread_count())
    yield from decode_streams(drawn, run.vocabulary, config)


def prompt_note(path: Path, prompt: str, unknown: Unknown) -> str | None:
    """Return a line on the characters of prompt that the run in the folder path does not know, or None.

    unknown says what happens to them; where they are an error there is no note. Raises CheckpointError when
    the run cannot be used, and where they are an error UnknownCharacterError, which is a LineEndError for the
    \\r of a line end.
    """
    vocabulary = load_config(path).vocabulary
    if unknown == "error":
        try:
            vocabulary.encode(prompt)
        except UnknownCharacterError:
            in_symbols = prompt if vocabulary.level == "characters" else prompt.encode("utf-8")
            refuse_line_ends("the prompt", in_symbols, vocabulary, position=0)
            raise
        return None
    unseen = Counter[str]()
    vocabulary.encode(prompt, unknown=unknown, unseen=unseen)
    what = "replaced" if unknown == "replace" else "left out"
    return unknown_note(unseen.total(), dict(unseen.most_common()), what) if unseen else None


def read_holds(path: Path, specs: Sequence[str]) -> tuple[Hold, ...]:
    """Return the holds that specs spell as LAYER:CELL=VALUE[@FROM], for the run in the folder path.

    VALUE is a cell state, or "on" or "off" for the levels of the cell that `charlstm inspect` saved. Raises
    UsageError for anything else, for a cell that the run's model does not have, and for "on" and "off" of a
    cell whose levels are not known; CheckpointError when the run cannot be used.
    """
    return holds_in(specs, load_config(path).model, partial(level_in_run, path))


def holds_in(
    specs: Sequence[str], model: ModelConfig, level: Callable[[int, int, str], float]
) -> tuple[Hold, ...]:
    """Return the holds that specs spell, as `read_holds` does, for a model of this shape.

    level(layer, cell, "on" or "off") gives the cell state of a cell that the model has.
    """

    def checked_level(layer: int, cell: int, name: str) -> float:
        check_cell(layer, cell, model)
        return level(layer, cell, name)

    holds = tuple(parse_hold(spec, checked_level) for spec in specs)
    for hold in holds:
        check_cell(hold.layer, hold.cell, model)
    return holds


def level_in_run(path: Path, layer: int, cell: int, name: str) -> float:
    """Return the cell state at which a cell is on or off, as name says. Raises UsageError where unknown."""
    folder = findings_folder(path)
    place = folder / FINDINGS
    if place.exists():
        return level_in(Findings.load_from(folder), layer, cell, name, source=f"{place} says")
    raise UsageError(
        f"what {name} is for cell {layer}:{cell} is not known: there is no {place}",
        f'give a cell state, as `hold="{layer}:{cell}=1.5"` does, or run `{inspect_command(path)}` first',
    )


def level_in(findings: Findings, layer: int, cell: int, name: str, *, source: str) -> float:
    """Return the cell state at which a cell of findings is on or off, as name says.

    source is the subject and verb for what the findings say. Raises UsageError where they do not say it.
    """
    known = levels_of(findings, name)
    if (layer, cell) not in known:
        listed = ", ".join(f"{layer}:{cell}" for layer, cell in known) or "no cell"
        raise UsageError(
            f"what {name} is for cell {layer}:{cell} is not known: {source} it of {listed}",
            f'give a cell state, as `hold="{layer}:{cell}=1.5"` does',
        )
    return known[layer, cell]


def levels_of(findings: Findings, name: str) -> dict[tuple[int, int], float]:
    """Return the cell state for "on" or "off", as name says, by (layer, cell) of the cells that have one."""
    levels = {
        (finding.layer, finding.cell): getattr(finding.detection, "levels", None) or {}
        for finding in findings.findings
    }
    return {cell: states[name] for cell, states in levels.items() if name in states}
