"""The limits of a rival are the best ones on the networks that it is set on."""

from dataclasses import replace

from exam_reading import planted_network
from rival_limits import best_limits

from charlstm.inspection.exam.planted_cells import toggle
from charlstm.inspection.exam.questions import Question
from charlstm.inspection.exam.rivals.readings import read_network
from charlstm.inspection.exam.rivals.sitting import RIVALS


def test_a_rival_with_its_best_limits_answers_an_easy_exam_without_a_mistake():
    kinds = {
        "toggle": {"set": ["|"], "reset": ["|"]},
        "counter": {"step": ["*"], "reset": [";"]},
        "depth_counter": {"step": ["("], "unstep": [")"]},
    }
    questions = [
        Question(label=kind, cell=toggle("|"), kind=kind, drivers=drivers, verdict="verified")
        for kind, drivers in kinds.items()
    ]
    questions.append(replace(questions[0], verdict="correlate"))
    network = replace(planted_network(), questions=tuple(questions), cells=(0, 1, 2, 3))
    rival = replace(RIVALS["|r| and gradient"], found=0.0, used=100.0)
    reading = replace(read_network(network), network=network)
    best, score = best_limits(rival, [(network, rival.measured(reading))])
    assert (score.precision, score.recall, score.drivers, score.verdicts) == (1.0,) * 4
    assert best.found > 0.5
    assert best.used < 100
