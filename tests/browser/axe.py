"""What axe-core finds wrong with a page, shadow roots included."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

_SCRIPT = Path(__file__).parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
# Levels A and AA. What axe calls a best practice, as the order of headings, is the page's that has
# the view in it. The size of what one clicks, 2.2's only rule, is off unless it is asked for.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "rules": {"target-size": {"enabled": True}},
}


def violations(page: Page) -> list[str]:
    """Each rule that is broken, with the first element that breaks it."""
    # Not as an element of the page: its policy would refuse that.
    page.evaluate(_SCRIPT.read_text(encoding="utf-8"))
    found = page.evaluate("async rules => (await axe.run(document, rules)).violations", RULES)
    return [f"{one['id']}: {one['help']} ({one['nodes'][0]['target']})" for one in found]
