"""What goes in: tokens, batches, the output that is read, texts that repeat, replacements."""

from __future__ import annotations

from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.readout import Readout
from circuit_widgets.prompts.repeats import Layout, Probe, Vocabulary, batches
from circuit_widgets.prompts.replacements import draw_replacements, weights_of
from circuit_widgets.prompts.tokens import Tokens, show_token, tokenize

__all__ = [
    "Layout",
    "Probe",
    "Prompts",
    "Readout",
    "Tokens",
    "Vocabulary",
    "batches",
    "draw_replacements",
    "show_token",
    "tokenize",
    "weights_of",
]
