"""A flow over prompts is told with its intervals and bounds."""

from __future__ import annotations

import circuit_widgets as cw
from circuit_widgets.views import flow
from tests.views.test_topics import same
from tests.views.told import Told


def test_flow_over_prompts() -> None:
    texts = ["blue dog seven blue dog", "cat red river cat red", "two green sky two green"]
    targets = [("seven", "blue"), ("river", "cat"), ("sky", "two")]
    result = cw.trace_information_flow(cw.load_model(), texts, target=targets, progress=False)
    shown = flow.view(result)
    told = Told(shown)
    assert result.knockout.low is not None and result.routes_between is not None
    assert same(told.column("sources", "knockout"), result.knockout.value)
    assert same(told.column("sources", "knockout_low"), result.knockout.low)
    assert same(told.column("sources", "bound"), result.knockout.control_high)
    assert same(told.column("sources", "route_high"), result.routes_between[1])
    assert told.scalars["n_prompts"] == 3 and told.scalars["unit"] == "logits"
    assert told.scalars["measured"] == "logit difference of the targets"
    low = next(c for c in told.block("sources")["columns"] if c["name"] == "knockout_low")
    assert low["about"] == "95 % interval"
    shown.close()
