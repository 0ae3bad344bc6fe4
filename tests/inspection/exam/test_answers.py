"""Answers of an inspection about exam networks are right, and they carry what its proofs say."""

from types import SimpleNamespace

import pytest

from charlstm.inspection.estimates import Estimate
from charlstm.inspection.exam import answers
from charlstm.inspection.exam.answers import CellAnswer, ids_of, inspection_answers
from charlstm.inspection.exam.marking import mark
from charlstm.inspection.exam.planted_networks import make_exam_network
from charlstm.inspection.intervening.proof_data import Grade


@pytest.mark.parametrize("seed", [1002, 1003])
def test_every_answer_about_a_clear_network_with_a_hard_drive_is_right(seed: int) -> None:
    network = make_exam_network(seed)
    assert network.drive.is_hard
    marked = mark(network, inspection_answers(network, seed))
    counted = [a for a in marked if not (a.tolerated and a.found in (None, a.wanted))]
    wrong = [a for a in counted if a.found != a.wanted or (a.wanted and not a.drivers_right)]
    assert wrong == []
    assert sum(a.wanted is not None for a in marked) >= 5


def test_the_ids_of_a_network_spell_its_text() -> None:
    network = make_exam_network(3, characters=500)
    assert "".join(network.symbols[number] for number in ids_of(network)) == network.text


def test_an_answer_has_the_share_of_the_grade_where_a_proof_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def pair(cell: int, **proof: object) -> SimpleNamespace:
        name = SimpleNamespace(kind="toggle", drivers={"set": ["|"], "reset": ["|"]})
        return SimpleNamespace(cell=cell, name=name, proof=SimpleNamespace(verdict="verified", **proof))

    pairs = [pair(4, grade=Grade(Estimate(0.25, 0.2, 0.3))), pair(7, grade=None)]
    monkeypatch.setattr(answers, "study", lambda *_, **__: SimpleNamespace(confirmed_pairs=pairs))
    found = inspection_answers(make_exam_network(3, characters=20_000), 3)
    toggle = CellAnswer("toggle", {"set": ["|"], "reset": ["|"]}, "verified")
    assert found == {4: CellAnswer(toggle.kind, toggle.drivers, "verified", 0.25), 7: toggle}
