"""An answer file has the answers of somebody's method to an exam, as JSON; it is read and checked here.

README.md in this folder describes the format.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from charlstm.errors import UsageError
from charlstm.findings import Kind, Verdict
from charlstm.inspection.exam.answers import Answers, CellAnswer
from charlstm.inspection.exam.marking import UNDECIDED
from charlstm.inspection.exam.planted_networks import ExamNetwork
from charlstm.machine.files import open_regular

FORMAT = 1
# What an answer may call a cell and say of its use: what findings.json may, now or with its next version.
KINDS = get_args(Kind)
VERDICTS = tuple(dict.fromkeys((*get_args(Verdict), UNDECIDED)))
ROLES = ("set", "reset", "step", "unstep")
_MOST_BYTES = 64 << 20
_MOST_NETWORKS = 10_000
_LONGEST_NAME = 60
_ADVICE = "write it as inspection/exam/README.md says"


@dataclass(frozen=True)
class AnswerFile:
    """An AnswerFile has the answers of a method.

    method: the method's name.
    seed: seed of the first network of the exam; the others count up from it.
    networks: number of networks of the exam.
    answers: (seed of a network, name of a cell) -> what was said of the cell, named "layer:cell".
    """

    method: str
    seed: int
    networks: int
    answers: dict[tuple[int, str], CellAnswer]

    def about(self, network: ExamNetwork, seed: int) -> Answers:
        """Return the answers about network, whose seed is `seed`.

        Raises UsageError for a cell that network does not have.
        """
        layers, cells = network.model.config.layers, network.model.config.cells
        about: Answers = {}
        for (of_seed, name), answer in self.answers.items():
            if of_seed != seed:
                continue
            layer, cell = map(int, name.split(":"))
            if layer >= layers or cell >= cells:
                raise UsageError(
                    f"network {seed} has no cell {name}: it has {layers} layers of {cells} cells",
                    "name cells layer:cell, both from 0",
                )
            about[layer * cells + cell] = answer
        return about


def read_answer_file(path: Path) -> AnswerFile:
    """Return the answers in the file path.

    Raises UsageError where it cannot be read, and with the place of the first fault in it.
    """
    try:
        with open_regular(path) as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
        document = json.loads(content.decode("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "name a file with answers") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}", _ADVICE) from error
    return _answer_file(document)


def _answer_file(document: Any) -> AnswerFile:
    """Return the answers in document, the JSON of an answer file. Raises UsageError."""
    if not isinstance(document, dict):
        raise UsageError("the answers must be a JSON object", _ADVICE)
    if document.get("format") != FORMAT:
        raise UsageError(f"format must be {FORMAT}, not {document.get('format')!r:.60}", _ADVICE)
    method, listed = document.get("method"), document.get("answers")
    if not isinstance(method, str) or not 0 < len(method) <= _LONGEST_NAME or not method.isprintable():
        raise UsageError(f"method must be a name of 1 to {_LONGEST_NAME} characters", _ADVICE)
    seed, networks = (_whole_number(document, name, "the answers") for name in ("seed", "networks"))
    if not 1 <= networks <= _MOST_NETWORKS:
        raise UsageError(f"networks must be from 1 to {_MOST_NETWORKS:,}, not {networks}", _ADVICE)
    if not isinstance(listed, list):
        raise UsageError("answers must be a list", _ADVICE)
    answers: dict[tuple[int, str], CellAnswer] = {}
    for place, item in enumerate(listed):
        where = f"answers[{place}]"
        cell, answer = _cell_answer(item, where)
        if not seed <= cell[0] < seed + networks:
            last = seed + networks - 1
            raise UsageError(f"{where} is about network {cell[0]}, the exam has {seed} to {last}", _ADVICE)
        if cell in answers:
            raise UsageError(f"{where} is a second answer about cell {cell[1]} of network {cell[0]}", _ADVICE)
        answers[cell] = answer
    return AnswerFile(method, seed, networks, answers)


def _cell_answer(item: Any, where: str) -> tuple[tuple[int, str], CellAnswer]:
    """Return the network and the cell that item, an answer at the path `where`, is about, and the answer."""
    if not isinstance(item, dict):
        raise UsageError(f"{where} must be an object", _ADVICE)
    network, cell = _whole_number(item, "network", where), item.get("cell")
    if not isinstance(cell, str) or not re.fullmatch(r"[0-9]{1,4}:[0-9]{1,6}", cell):
        raise UsageError(f'{where}.cell must be "layer:cell", not {cell!r:.60}', _ADVICE)
    kind, verdict, share = item.get("kind"), item.get("verdict"), item.get("share")
    if not isinstance(kind, str) or kind not in KINDS:
        raise UsageError(f"{where}.kind must be one of {', '.join(KINDS)}, not {kind!r:.60}", _ADVICE)
    if verdict is not None and verdict not in VERDICTS:
        raise UsageError(
            f"{where}.verdict must be null or one of {', '.join(VERDICTS)}, not {verdict!r:.60}", _ADVICE
        )
    is_number = isinstance(share, (int, float)) and not isinstance(share, bool)
    if share is not None and not (is_number and 0 <= share <= 1):
        raise UsageError(f"{where}.share must be null or from 0 to 1, not {share!r:.60}", _ADVICE)
    name = ":".join(str(int(number)) for number in cell.split(":"))
    return (network, name), CellAnswer(kind, _drivers(item.get("drivers", {}), where), verdict, share)


def _drivers(drivers: Any, where: str) -> dict[str, list[str]]:
    """Return drivers, those of an answer at the path `where`. Raises UsageError."""
    is_right = isinstance(drivers, dict) and all(
        role in ROLES
        and isinstance(side, list)
        and all(isinstance(driver, str) and driver for driver in side)
        for role, side in drivers.items()
    )
    if not is_right:
        raise UsageError(
            f"{where}.drivers must be an object of lists of strings with names of {', '.join(ROLES)}", _ADVICE
        )
    return dict(drivers)


def _whole_number(document: dict[str, Any], name: str, where: str) -> int:
    """Return the whole number, at least 0, that document has under name. Raises UsageError."""
    value = document.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UsageError(f"{name} of {where} must be a whole number from 0 on, not {value!r:.60}", _ADVICE)
    return value
