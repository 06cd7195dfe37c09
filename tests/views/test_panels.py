"""What `hide` takes is what the page calls its panels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from circuit_widgets.views.coordination import CoordinationView
from circuit_widgets.views.explorer import Explorer
from circuit_widgets.views.flow import FlowView
from circuit_widgets.views.induction import InductionView
from circuit_widgets.views.influence import InfluenceView
from circuit_widgets.views.patterns import PatternsView

PAGES = Path(__file__).parents[2] / "js" / "src" / "views"
VIEWS = (CoordinationView, Explorer, FlowView, InductionView, InfluenceView, PatternsView)


@pytest.mark.parametrize("view", VIEWS)
def test_the_names_of_the_panels(view) -> None:
    name = view._bundle
    sources = [PAGES / f"{name}.tsx", *(PAGES / name).glob("*.tsx")]
    text = "".join(source.read_text(encoding="utf-8") for source in sources)
    panels = set(re.findall(r'<Panel[^>]*?\bname="([a-z-]+)"', text))
    if "<Panel" not in text:
        pytest.skip("this view has no panels yet")
    assert panels == set(view._panels) - {"header", "footer"}
