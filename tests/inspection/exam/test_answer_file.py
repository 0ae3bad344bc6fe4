"""Answer files are read as they are meant, and each fault in one is named with its place."""

import json
from pathlib import Path

import pytest

from charlstm.errors import UsageError
from charlstm.inspection.exam import answer_file
from charlstm.inspection.exam.answer_file import read_answer_file
from charlstm.inspection.exam.answers import CellAnswer
from charlstm.inspection.exam.planted_networks import make_exam_network

ANSWER = {
    "network": 41,
    "cell": "0:12",
    "kind": "toggle",
    "drivers": {"set": ["|"], "reset": ["|"]},
    "verdict": "verified",
    "share": 0.5,
}
DOCUMENT = {"format": 1, "method": "mine", "seed": 40, "networks": 2, "answers": [ANSWER]}


def written(folder: Path, document: object) -> Path:
    place = folder / "answers.json"
    place.write_text(json.dumps(document), encoding="utf-8")
    return place


def test_answers_are_those_of_their_network(tmp_path: Path) -> None:
    bare = {"network": 40, "cell": "0:007", "kind": "graded"}
    file = read_answer_file(written(tmp_path, DOCUMENT | {"answers": [ANSWER, bare]}))
    network = make_exam_network(41, characters=1_000)
    assert (file.method, file.seed, file.networks) == ("mine", 40, 2)
    assert file.about(network, 41) == {
        12: CellAnswer("toggle", {"set": ["|"], "reset": ["|"]}, "verified", 0.5)
    }
    assert file.about(network, 40) == {7: CellAnswer("graded")}


def test_a_cell_of_the_second_layer_has_its_number_behind_those_of_the_first(tmp_path: Path) -> None:
    from charlstm.inspection.exam.hard.hard_networks import upper_network

    network = upper_network(2, 1_000)
    file = read_answer_file(written(tmp_path, DOCUMENT | {"answers": [ANSWER | {"cell": "1:2"}]}))
    assert list(file.about(network, 41)) == [network.model.config.cells + 2]


@pytest.mark.parametrize("cell", ["1:0", "0:4000"])
def test_a_cell_that_the_network_lacks_is_refused(cell: str, tmp_path: Path) -> None:
    file = read_answer_file(written(tmp_path, DOCUMENT | {"answers": [ANSWER | {"cell": cell}]}))
    with pytest.raises(UsageError, match=f"network 41 has no cell {cell}"):
        file.about(make_exam_network(41, characters=1_000), 41)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": 2}, "format must be 1, not 2"),
        ({"method": ""}, "method must be a name"),
        ({"method": "a\nb"}, "method must be a name"),
        ({"seed": -1}, "seed of the answers must be a whole number"),
        ({"seed": True}, "seed of the answers must be a whole number"),
        ({"networks": 0}, "networks must be from 1 to"),
        ({"answers": {}}, "answers must be a list"),
        ({"answers": [1]}, r"answers\[0\] must be an object"),
        ({"answers": [ANSWER, ANSWER]}, r"answers\[1\] is a second answer about cell 0:12 of network 41"),
    ],
)
def test_a_fault_of_the_document_is_named(changes: dict[str, object], problem: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=problem):
        read_answer_file(written(tmp_path, DOCUMENT | changes))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"network": 42}, "about network 42, the exam has 40 to 41"),
        ({"network": "41"}, "network of answers.0. must be a whole number"),
        ({"cell": 12}, 'cell must be "layer:cell"'),
        ({"cell": "0:12:1"}, 'cell must be "layer:cell"'),
        ({"kind": "switch"}, "kind must be one of toggle, latch, graded, counter, depth_counter"),
        ({"kind": ["toggle"]}, "kind must be one of"),
        ({"verdict": "used"}, "verdict must be null or one of verified, redundant, correlate, undecided"),
        ({"verdict": ["verified"]}, "verdict must be null or one of"),
        ({"share": 1.5}, "share must be null or from 0 to 1"),
        ({"share": True}, "share must be null or from 0 to 1"),
        ({"drivers": ["|"]}, "drivers must be an object of lists of strings"),
        ({"drivers": {"flip": ["|"]}}, "drivers must be an object of lists of strings"),
        ({"drivers": {"set": [""]}}, "drivers must be an object of lists of strings"),
    ],
)
def test_a_fault_of_an_answer_is_named(changes: dict[str, object], problem: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=problem):
        read_answer_file(written(tmp_path, DOCUMENT | {"answers": [ANSWER | changes]}))


def test_a_file_that_is_missing_or_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_answer_file(tmp_path / "none.json")
    place = tmp_path / "bad.json"
    for content in (b"{", b"\xff", b"[" * 100_000):
        place.write_bytes(content)
        with pytest.raises(UsageError, match="is not JSON"):
            read_answer_file(place)
    with pytest.raises(UsageError, match="must be a JSON object"):
        read_answer_file(written(tmp_path, []))


def test_the_example_of_the_readme_is_read(tmp_path: Path) -> None:
    readme = Path(answer_file.__file__).with_name("README.md").read_text(encoding="utf-8")
    example = readme.split("```json")[1].split("```")[0]
    file = read_answer_file(written(tmp_path, json.loads(example)))
    assert (file.method, file.seed, file.networks) == ("my method", 500, 20)
    assert file.answers[(502, "1:3")] == CellAnswer("counter", {"step": ["*"], "reset": ["\n"]})
