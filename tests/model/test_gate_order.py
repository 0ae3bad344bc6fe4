"""Rows of gates get from every order to every other one."""

from itertools import permutations, product

import numpy as np
import pytest

from charlstm.model.gate_order import ONNX_GATES, OUR_GATES, gate_rows


@pytest.mark.parametrize("candidate", ["g", "c", "j"])
def test_every_order_of_gates_is_taken_to_every_other_one(candidate):
    value = {"i": 1, "f": 2, candidate: 3, "g": 3, "o": 4}
    for given, wanted in product(permutations(f"if{candidate}o"), permutations("ifgo")):
        rows = np.repeat([value[gate] for gate in given], 2)
        taken = rows[gate_rows(8, given="".join(given), wanted="".join(wanted))]
        assert taken.tolist() == np.repeat([value[gate] for gate in wanted], 2).tolist()


def test_the_rows_of_a_gate_stay_in_their_order_and_come_back():
    there = gate_rows(12, given=OUR_GATES, wanted=ONNX_GATES)
    assert there.tolist() == [0, 1, 2, 9, 10, 11, 3, 4, 5, 6, 7, 8]
    back = gate_rows(12, given=ONNX_GATES, wanted=OUR_GATES)
    assert there[back].tolist() == list(range(12))
