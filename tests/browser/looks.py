"""What a test can see of how a view looks: what is cut off, and how high it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import Locator

if TYPE_CHECKING:
    from tests.browser.explorer_page import ExplorerPage
    from tests.browser.lab import Theme

# Parts that scroll inside themselves may be wider or higher than their place.
_OVERFLOWING = """async (host, scrolling) => {
    // Canvases follow their boxes a frame later.
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    const width = host.getBoundingClientRect().right + 1;
    return [...host.shadowRoot.querySelectorAll('*')]
        .filter(e => !e.closest(scrolling) && e.getBoundingClientRect().right > width)
        .map(e => `${e.tagName} ${e.getAttribute('class') ?? ''} ${e.dataset?.cw ?? ''}`);
}"""
_COVERED = """host => {
    const parts = [...host.shadowRoot.querySelectorAll(
        'h3, button, table, .stack, input, .said, .strip-scroll')]
        .map(e => [e, e.getBoundingClientRect()]).filter(([, b]) => b.width > 0 && b.height > 0);
    const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
    const name = e => `${e.tagName} ${e.dataset.cw ?? ''} ${e.textContent.slice(0, 30)}`;
    const scrolled = e => e.parentElement?.closest('.scroll, .strip-scroll, .table-scroll, .grid');
    return parts.flatMap(([one, a], i) => parts.slice(i + 1)
        .filter(([other, b]) => !one.contains(other) && !other.contains(one)
            && !scrolled(one) && !scrolled(other) && over(a, b))
        .map(([other]) => `${name(one)} on ${name(other)}`));
}"""
_CUT = """host => [...host.shadowRoot.querySelectorAll('.table-scroll, .card td, .card th')]
    .filter(e => e.scrollWidth > e.clientWidth + 1)
    .map(e => `${e.querySelector('table')?.dataset.cw ?? e.textContent}:`
        + ` ${e.scrollWidth} in ${e.clientWidth}`)"""
_SPILLED = """host => [...host.shadowRoot.querySelectorAll('.panel, .body')].flatMap(panel => {
    const clips = e => getComputedStyle(e).overflowY !== 'visible';
    if (['auto', 'scroll'].includes(getComputedStyle(panel).overflowY)) return [];
    const inside = e => {
        for (let up = e.parentElement; up && up !== panel; up = up.parentElement)
            if (clips(up)) return true;
        return false;
    };
    const bottom = panel.getBoundingClientRect().bottom + 1;
    // A canvas follows its box a frame later.
    return [...panel.querySelectorAll(':not(canvas)')]
        .filter(e => e.getBoundingClientRect().bottom > bottom && !inside(e))
        .map(e => `${panel.dataset.cw ?? 'body'}: ${e.tagName} ${e.getAttribute('class') ?? ''}`);
})"""
THEMES: tuple[Theme, ...] = ("light", "dark")
WIDTHS = (600, 900, 1400)
SCROLLING = ".grid, .strip-scroll, .scroll, .table-scroll"


def overflowing(root: Locator) -> list[str]:
    """Elements that reach out of the view on the right."""
    return root.evaluate(_OVERFLOWING, SCROLLING)


def covered(root: Locator) -> list[str]:
    """Headings, tables, controls and pictures that lie on each other."""
    return root.evaluate(_COVERED)


def height(root: Locator) -> float:
    """The view's height in px."""
    return root.evaluate("host => host.getBoundingClientRect().height")


def cut(root: Locator) -> list[str]:
    """Tables, and cells of the selected head's card, that are wider than their place."""
    return root.evaluate(_CUT)


def spilled(root: Locator) -> list[str]:
    """What reaches out of its panel below, and so lies on the next one or is not seen."""
    return root.evaluate(_SPILLED)


def wrong(root: Locator) -> list[str]:
    """All of the above."""
    return [*overflowing(root), *covered(root), *spilled(root), *cut(root)]


def everywhere(name: str, page: ExplorerPage, canvas: str | None = None) -> None:
    """In both themes and at every width nothing is wrong; pictures of it, for a person.

    `canvas` names a picture that has to be there first.
    """
    for theme in THEMES:
        page.notebook.set_theme(theme)
        for width in WIDTHS:
            # The view's width: JupyterLab's own margins come on top.
            page.notebook.page.set_viewport_size({"width": width + 110, "height": 2000})
            if canvas is not None:
                page.wait_for_picture(canvas, lambda shown: len(shown) > 1000)
            assert wrong(page.root) == [], (name, theme, width)
            page.notebook.screenshot(f"{name}-{theme}-{width}", page.root)
    page.notebook.set_theme(THEMES[0])
