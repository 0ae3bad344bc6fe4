"""Print the oldest versions that pyproject.toml allows, as pip reads them."""

import re
import sys
from pathlib import Path

SKIPPED = ("playwright", "ruff", "mypy")  # they test no behaviour


def lowest(text: str) -> list[str]:
    """The pins of dependencies and of the tests' own."""
    found = re.findall(r'^ +"([A-Za-z0-9_-]+)>=([0-9.]+)",$', text, re.MULTILINE)
    return [f"{name}=={version}" for name, version in found if name not in SKIPPED]


if __name__ == "__main__":
    print(*lowest((Path(__file__).parents[2] / "pyproject.toml").read_text()), file=sys.stdout)
