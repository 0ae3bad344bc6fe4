"""A right answer of a method about an exam network is made, to be changed by tests."""

from charlstm.inspection.exam.marking import Answer


def answer(**changes: object) -> Answer:
    """Return a right answer about a verified toggle in a hard network, with changes."""
    right = {"label": "toggle", "wanted": "toggle", "found": "toggle", "drivers_right": True}
    verdicts = {"wanted_verdicts": ("verified",), "verdict": "verified", "tolerated": False, "hard": True}
    return Answer(**{**right, **verdicts, **changes})
