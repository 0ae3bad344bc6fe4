"""An exam is written for others: each network as a run's folder with its text, and the questions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charlstm.checkpoint.record import RunConfig
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.errors import UsageError, cannot_be_written
from charlstm.inspection.exam.answer_file import FORMAT, KINDS, ROLES, VERDICTS
from charlstm.inspection.exam.exam_networks import exam_network
from charlstm.inspection.exam.planted_networks import ExamNetwork
from charlstm.machine.files import whole_file
from charlstm.text.vocabulary import Vocabulary

QUESTIONS = "questions.json"
_QUESTIONS = {
    "kind": "Which cells follow a switch or a counter of the text, and what is each? Leave out all others.",
    "drivers": "Which characters drive it?",
    "verdict": "Does the model use the cell to predict the character that ends what the cell follows?",
    "share": "Which part of that behaviour does the cell carry, from 0 to 1?",
}


def write_exam(folder: Path, networks: int, *, seed: int) -> Iterator[float]:
    """Write the exam networks of `networks` seeds, from `seed` on, into folder; yield the share that is done.

    questions.json is written last. Raises CheckpointError where folder holds one of the runs already, and
    UsageError where a file cannot be written.
    """
    described = []
    for number in range(seed, seed + networks):
        network = exam_network(number)
        name = f"network-{number}"
        _write_run(folder / name, network)
        _write(folder / f"{name}.txt", network.text)
        described.append(_described(number, name, network))
        yield (number + 1 - seed) / networks
    document = {
        "format": FORMAT,
        "seed": seed,
        "networks": networks,
        "questions": _QUESTIONS,
        "kinds": KINDS,
        "drivers": ROLES,
        "verdicts": VERDICTS,
        "runs": described,
    }
    _write(folder / QUESTIONS, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _described(number: int, name: str, network: ExamNetwork) -> dict[str, Any]:
    """Return what questions.json says of the network with that number and name: nothing of its answers."""
    config = network.model.config
    return {
        "network": number,
        "run": name,
        "text": f"{name}.txt",
        "characters": len(network.text),
        "layers": config.layers,
        "cells": config.cells,
    }


def _write_run(path: Path, network: ExamNetwork) -> None:
    """Write network as a run's folder at path. Raises CheckpointError."""
    config = RunConfig(network.model.config, None, Vocabulary("characters", tuple(network.symbols)), None)
    folder = RunFolder(path)
    with folder.held():
        folder.create(config)
        folder.save_model(network.model, validation_bits_per_character=None)


def _write(place: Path, text: str) -> None:
    """Write text to the file at place, whole or not at all. Raises UsageError."""
    try:
        with whole_file(place) as partial:
            partial.write_bytes(text.encode())
    except OSError as error:
        raise cannot_be_written(UsageError, place, error, "choose another folder") from error
