"""What axe finds in a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Without the list of everything that is right, axe takes a third of the time.
ONLY_PROBLEMS = {"resultTypes": ["violations"]}
# In a dark page only the colours are others: every other rule finds there what it finds in the light one.
RULES_OF_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


def serious_problems(
    page: Page, scheme: str = "light", *, context: str | None = None
) -> list[tuple[str, str]]:
    """Return (rule, HTML) of each serious problem in a page, or in the part that a selector names.

    A page in the scheme "dark" is asked for its colours alone.
    """
    options = ONLY_PROBLEMS | (RULES_OF_COLOURS if scheme == "dark" else {})
    found = Axe().run(page, context=context, options=options).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
