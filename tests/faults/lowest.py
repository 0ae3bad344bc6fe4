"""Print the oldest versions that pyproject.toml allows, as arguments for pip install."""

import re
import sys
from pathlib import Path

TOOLS_NO_TEST_IMPORTS = ("playwright", "ruff", "mypy")


def lowest(text: str) -> list[str]:
    """Return a requirement NAME==VERSION for each NAME>=VERSION that text, a pyproject.toml, lists."""
    bounds = re.findall(r'^ +"([A-Za-z0-9_-]+)>=([0-9.]+)",$', text, re.MULTILINE)
    return [f"{name}=={version}" for name, version in bounds if name not in TOOLS_NO_TEST_IMPORTS]


if __name__ == "__main__":
    print(*lowest((Path(__file__).parents[2] / "pyproject.toml").read_text()), file=sys.stdout)
