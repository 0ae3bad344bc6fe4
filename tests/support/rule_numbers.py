"""The numbers of the rules by which cells get their labels, as they stand in the code.

    python tests/support/rule_numbers.py

writes them to rule_numbers.json. A number that may change a finding belongs to a version of the rules: raise
RULES_VERSION, measure what inspection/README.md tells anew, and then write the file.
"""

import importlib
import json
import pkgutil
import re
from pathlib import Path
from typing import Any

from charlstm.inspection import detecting, estimates, intervening
from charlstm.inspection.rules import RULES_VERSION

RECORDED = Path(__file__).with_suffix(".json")
_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")


def rule_numbers() -> dict[str, Any]:
    """Return the version of the rules and, by module, the constants of detection and intervention."""
    numbers: dict[str, Any] = {"version": RULES_VERSION, estimates.__name__: _constants(estimates)}
    for package in (detecting, intervening):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            constants = _constants(importlib.import_module(found.name))
            if constants:
                numbers[found.name] = constants
    # As a file tells them: tuples are lists there.
    return json.loads(json.dumps(numbers))


def _constants(module: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in sorted(vars(module).items())
        if _CONSTANT.fullmatch(name) and isinstance(value, int | float | str | tuple) and not callable(value)
    }


if __name__ == "__main__":
    RECORDED.write_text(json.dumps(rule_numbers(), indent=1) + "\n", encoding="utf-8")
