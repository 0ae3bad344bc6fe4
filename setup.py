"""The package's description for a package index, which pyproject.toml cannot make; all else is said there.

A path in this repository leads nowhere from an index. Where `[project.urls]` in pyproject.toml gives the
address of the Repository, paths become addresses in it; without one, images go, and of links the words stay.
"""

import re
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
ADDRESS = re.compile(r'^Repository = "(.+?)/?"$', re.MULTILINE)
# An image or a link of Markdown to a path: a "!" or none, the words, the path.
RELATIVE = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)]+)\)")


def description(readme: str, project: str) -> str:
    """Return the text of a README.md without relative paths; project is the text of pyproject.toml."""
    address = ADDRESS.search(project)

    def placed(reference: re.Match[str]) -> str:
        image, words, path = reference.groups()
        if address:
            return f"{image}[{words}]({address[1]}/{'raw' if image else 'blob'}/HEAD/{path})"
        return "" if image else words

    return re.sub(r"\n{3,}", "\n\n", RELATIVE.sub(placed, readme))


def text(name: str) -> str:
    """Return the content of a file of this folder."""
    return (ROOT / name).read_text(encoding="utf-8")


setup(
    long_description=description(text("README.md"), text("pyproject.toml")),
    long_description_content_type="text/markdown",
)
