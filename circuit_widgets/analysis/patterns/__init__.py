"""Attention patterns: what every head's attention looks like."""

from __future__ import annotations

from circuit_widgets.analysis.patterns.classes import (
    ATTENTION_PATTERNS,
    register_pattern,
    unregister_pattern,
)
from circuit_widgets.analysis.patterns.detect import (
    detect_attention_pattern,
    detect_attention_patterns,
)
from circuit_widgets.analysis.patterns.results import AttentionPatterns

__all__ = [
    "ATTENTION_PATTERNS",
    "AttentionPatterns",
    "detect_attention_pattern",
    "detect_attention_patterns",
    "register_pattern",
    "unregister_pattern",
]
