"""The check that the tests of the pages rely on sees text without contrast in both schemes."""

import pytest
from accessibility import serious_problems
from playwright.sync_api import Browser

PALE = (
    '<html lang="en"><title>t</title><main><h1 style="color:#777;background:#666">pale</h1><button></button>'
)


@pytest.mark.parametrize(
    ("scheme", "rules"), [("light", ["button-name", "color-contrast"]), ("dark", ["color-contrast"])]
)
def test_what_is_wrong_is_named(browser: Browser, scheme: str, rules: list[str]):
    page = browser.new_page()
    page.set_content(PALE)
    assert sorted(rule for rule, _ in serious_problems(page, scheme)) == rules
    assert serious_problems(page, scheme, context="h1") != []
    page.close()
