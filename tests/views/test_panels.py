"""What `hide` takes is what the page calls its panels."""

from __future__ import annotations

import re

import pytest

from tests import rooms

PAGES = rooms.ROOT / "js" / "src" / "views"
VIEWS = rooms.widgets()


@pytest.mark.parametrize("name", VIEWS)
def test_the_names_of_the_panels(name: str) -> None:
    sources = [PAGES / f"{name}.tsx", *(PAGES / name).glob("*.tsx")]
    text = "".join(source.read_text(encoding="utf-8") for source in sources)
    panels = set(re.findall(r'<Panel[^>]*?\bname="([a-z-]+)"', text))
    if "<Panel" not in text:
        pytest.skip("this view has no panels yet")
    assert panels == set(VIEWS[name]._panels) - {"header", "footer"}
