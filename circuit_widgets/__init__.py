"""Explore the self-attention circuits of a transformer by clicking, in a notebook.

import circuit_widgets as cw

model = cw.load_model()                       # a small trained model, shipped in the package
cw.explore(model, "blue dog seven blue dog")  # every head, linked views, the kernel behind them
cw.identify_induction_heads(model)            # an analysis; its result shows itself
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuit_widgets.analysis.coordination import HeadCoordination as HeadCoordination
    from circuit_widgets.analysis.coordination import (
        analyze_head_coordination as analyze_head_coordination,
    )
    from circuit_widgets.analysis.induction import InductionHeads as InductionHeads
    from circuit_widgets.analysis.induction import InductionTrace as InductionTrace
    from circuit_widgets.analysis.induction import (
        identify_induction_heads as identify_induction_heads,
    )
    from circuit_widgets.analysis.induction import trace_induction as trace_induction
    from circuit_widgets.analysis.influence import InformationFlow as InformationFlow
    from circuit_widgets.analysis.influence import SelfInfluence as SelfInfluence
    from circuit_widgets.analysis.influence import (
        compute_self_influence as compute_self_influence,
    )
    from circuit_widgets.analysis.influence import (
        trace_information_flow as trace_information_flow,
    )
    from circuit_widgets.analysis.patterns import ATTENTION_PATTERNS as ATTENTION_PATTERNS
    from circuit_widgets.analysis.patterns import AttentionPatterns as AttentionPatterns
    from circuit_widgets.analysis.patterns import (
        detect_attention_pattern as detect_attention_pattern,
    )
    from circuit_widgets.analysis.patterns import (
        detect_attention_patterns as detect_attention_patterns,
    )
    from circuit_widgets.analysis.patterns import register_pattern as register_pattern
    from circuit_widgets.analysis.patterns import unregister_pattern as unregister_pattern
    from circuit_widgets.heads import Head as Head
    from circuit_widgets.models import load_model as load_model
    from circuit_widgets.result import load as load
    from circuit_widgets.widgets.explorer import Explorer as Explorer
    from circuit_widgets.widgets.explorer import explore as explore
    from circuit_widgets.widgets.selection import Selection as Selection

# Imported at first use: torch and transformer_lens take seconds, and a typing mistake should not.
_FROM = {
    "ATTENTION_PATTERNS": "analysis.patterns",
    "AttentionPatterns": "analysis.patterns",
    "Explorer": "widgets.explorer",
    "Head": "heads",
    "HeadCoordination": "analysis.coordination",
    "InductionHeads": "analysis.induction",
    "InductionTrace": "analysis.induction",
    "InformationFlow": "analysis.influence",
    "Selection": "widgets.selection",
    "SelfInfluence": "analysis.influence",
    "analyze_head_coordination": "analysis.coordination",
    "compute_self_influence": "analysis.influence",
    "detect_attention_pattern": "analysis.patterns",
    "detect_attention_patterns": "analysis.patterns",
    "explore": "widgets.explorer",
    "identify_induction_heads": "analysis.induction",
    "load": "result",
    "load_model": "models",
    "register_pattern": "analysis.patterns",
    "trace_induction": "analysis.induction",
    "trace_information_flow": "analysis.influence",
    "unregister_pattern": "analysis.patterns",
}
__all__ = [*_FROM]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_FROM[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FROM})
