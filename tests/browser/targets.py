"""How large what one clicks is: WCAG 2.2's target size (2.5.8), measured in a view."""

from __future__ import annotations

from playwright.sync_api import Locator

# 24 px each way, or so far apart that circles of 24 px around the centres meet neither another
# target nor another circle. Heads, cells and nodes are drawn and have keys instead
# (docs/limits.md); words of a text stand in its lines.
_SMALL = """async host => {
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    const LEAST = 24, ALMOST = 0.05;
    const clips = e => getComputedStyle(e).overflowY !== 'visible';
    const seen = (e, box) => {
        for (let up = e.parentElement; up; up = up.parentElement) {
            if (!clips(up)) continue;
            const { top, bottom } = up.getBoundingClientRect();
            if (box.top + box.height / 2 < top || box.top + box.height / 2 > bottom) return false;
        }
        return true;
    };
    const targets = [...host.shadowRoot.querySelectorAll(
        'a[href], button, select, input, textarea, summary, [role=slider], tr[data-row]')]
        .filter(e => !e.disabled)
        .map(e => ({ e, box: e.getBoundingClientRect() }))
        .filter(({ e, box }) => box.width > 0 && box.height > 0 && seen(e, box))
        .map(one => ({ ...one, small:
            Math.min(one.box.width, one.box.height) < LEAST - ALMOST,
            x: one.box.left + one.box.width / 2, y: one.box.top + one.box.height / 2 }));
    const near = (one, other) => {
        if (one.e.contains(other.e) || other.e.contains(one.e)) return false;
        const dx = Math.max(other.box.left - one.x, 0, one.x - other.box.right);
        const dy = Math.max(other.box.top - one.y, 0, one.y - other.box.bottom);
        if (Math.hypot(dx, dy) < LEAST / 2 - ALMOST) return true;
        return other.small && Math.hypot(one.x - other.x, one.y - other.y) < LEAST - ALMOST;
    };
    const name = ({ e, box }) => `${e.tagName.toLowerCase()}.${e.className || e.dataset.cw || ''} `
        + `"${(e.getAttribute('aria-label') ?? e.textContent).slice(0, 24)}" `
        + `${box.width.toFixed(1)} x ${box.height.toFixed(1)}`;
    return targets.filter(one => one.small).flatMap(one => {
        const other = targets.find(each => each !== one && near(one, each));
        return other ? [`${name(one)} beside ${name(other)}`] : [];
    });
}"""


def too_small(root: Locator) -> list[str]:
    """What is smaller than 24 x 24 px and has a neighbour too near."""
    return root.evaluate(_SMALL)
