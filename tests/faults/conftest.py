"""Fault tests run without coverage: it takes them a quarter more time, and other tests run what they run."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "faults" in item.path.parts:
            item.add_marker("no_cover")
