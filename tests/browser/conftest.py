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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave coverage off while pages are open: what draws them is covered by the tests of `report`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("no_cover")


class Pages:
    """Pages of a browser, of which a later test takes again what an earlier one has left.

    A new page costs Chromium several times the work of another address in an old one.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._left: dict[str, list[Page]] = {}
        self._in_use: list[tuple[str, Page]] = []

    def page(self, options: dict[str, Any], *, fresh: bool) -> Page:
        """Return an empty page of a context with these options; with fresh, one that no test had before."""
        options = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"} | options
        kind = repr(sorted(options.items()))
        left = [] if fresh else self._left.setdefault(kind, [])
        page = left.pop() if left else _new_page(self._browser, options)
        page.set_viewport_size(options["viewport"])
        page.emulate_media(media="null", color_scheme=options["color_scheme"])
        page.mouse.move(-1, -1)
        page.seen = []  # type: ignore[attr-defined]
        self._in_use.append((kind, page))
        return page

    def leave(self) -> None:
        """Empty all pages that are in use, so that later tests can take them."""
        for kind, page in self._in_use:
            page.goto("about:blank")
            self._left.setdefault(kind, []).append(page)
        self._in_use.clear()


def _new_page(browser: Browser, options: dict[str, Any]) -> Page:
    """Return a page of a new context whose requests and console messages come to `page.seen`."""
    page = browser.new_context(**options).new_page()
    page.on("request", lambda request: page.seen.append(request.url))
    page.on("console", lambda message: page.seen.append(message.text))
    page.on("pageerror", lambda error: page.seen.append(str(error)))
    return page


@pytest.fixture(scope="session")
def pages(browser: Browser) -> Pages:
    return Pages(browser)


@pytest.fixture
def open_page(pages: Pages, sample_report: Path) -> Iterator[Open]:
    """Return a function that opens a report; its requests and console messages are in `page.seen`."""

    def open_report(
        path: Path = sample_report, place: str = "", *, fresh: bool = False, **options: Any
    ) -> Page:
        page = pages.page(options, fresh=fresh)
        page.goto(path.as_uri() + place)
        if options.get("java_script_enabled", True):
            page.wait_for_function("Object.keys(data).length > 0")
        return page

    yield open_report
    pages.leave()
