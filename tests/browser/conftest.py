"""Fixtures that open pages in a Chromium, the system's or playwright's own; without one the tests skip."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from report_fixture import sample_findings

from charlstm.report.render import write_report

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]

Open = Callable[..., Page]


def chromium_path() -> str | None:
    """Return the path of Chromium: CHARLSTM_CHROMIUM, or else the first name that is on the PATH."""
    return os.environ.get("CHARLSTM_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = chromium_path() or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.skip(f"none of {', '.join(NAMES)} is installed; set CHARLSTM_CHROMIUM to a Chromium")
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def sample_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(sample_findings(), path)
    return path


@pytest.fixture
def open_page(browser: Browser, sample_report: Path) -> Iterator[Open]:
    """Return a function that opens a report; its requests and console messages are in `page.seen`."""
    contexts = []

    def open_report(path: Path = sample_report, place: str = "", **options: Any) -> Page:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
        contexts.append(context)
        page = context.new_page()
        page.seen = []  # type: ignore[attr-defined]
        page.on("request", lambda request: page.seen.append(request.url))
        page.on("console", lambda message: page.seen.append(message.text))
        page.on("pageerror", lambda error: page.seen.append(str(error)))
        page.goto(path.as_uri() + place)
        if options.get("java_script_enabled", True):
            page.wait_for_function("Object.keys(data).length > 0")
        return page

    yield open_report
    for context in contexts:
        context.close()
