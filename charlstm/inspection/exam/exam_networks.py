"""The networks of the exam: a seed determines the sort of its network, and all else about it."""

from collections.abc import Callable

import torch

from charlstm.inspection.exam.hard.building import shuffled
from charlstm.inspection.exam.hard.hard_networks import noisy_network, shared_network, upper_network
from charlstm.inspection.exam.hard.trained_networks import trained_network
from charlstm.inspection.exam.planted_networks import EXAM_TEXT_CHARACTERS, ExamNetwork, make_exam_network


def _clear_network(seed: int, characters: int) -> ExamNetwork:
    """Return the clear network that seed determines, with a text of `characters` characters."""
    return make_exam_network(seed, characters=characters)


# Seed after seed takes the next sort. Five sorts and four drives meet in each of their pairs within 20 seeds.
SORTS: dict[str, Callable[[int, int], ExamNetwork]] = {
    "clear": _clear_network,
    "shared": shared_network,
    "upper": upper_network,
    "noisy": noisy_network,
    "trained": trained_network,
}


def exam_network(seed: int, *, characters: int = EXAM_TEXT_CHARACTERS) -> ExamNetwork:
    """Return the exam network that `seed`, at least 0, determines, with a text of `characters` characters.

    Its cells are in an order that says nothing of what they are.
    """
    make = list(SORTS.values())[seed % len(SORTS)]
    return shuffled(make(seed, characters), torch.Generator().manual_seed(seed))
