"""Which magic asks which analysis, and what its words are: a text, a task, or nothing."""

from __future__ import annotations

import dataclasses
from typing import Literal

Reads = Literal["nothing", "text", "perhaps a text", "prompts", "task"]


@dataclasses.dataclass(frozen=True)
class Question:
    """One magic.

    Attributes:
        magic: Its name, without %.
        analysis: The public function that it calls.
        reads: What its words are. "prompts" are one a line.
        argument: Which argument of the analysis they are.
    """

    magic: str
    analysis: str
    reads: Reads
    argument: str = ""


QUESTIONS = (
    Question("induction", "identify_induction_heads", "nothing"),
    Question("induction_trace", "trace_induction", "text", "prompt"),
    Question("patterns", "detect_attention_patterns", "perhaps a text", "prompts"),
    Question("coordination", "analyze_head_coordination", "prompts", "prompts"),
    Question("influence", "compute_self_influence", "text", "tokens"),
    Question("flow", "trace_information_flow", "text", "tokens"),
    Question("layers", "analyze_cross_layer_flow", "task", "task"),
    Question("attribution", "attribute_logits", "text", "prompts"),
    Question("ablation", "ablate_heads", "text", "prompts"),
    Question("patching", "patch_activations", "task", "task"),
    Question("circuit", "extract_circuit", "task", "task"),
    Question("failures", "analyze_failures", "task", "cases"),
    Question("optimization", "suggest_circuit_optimizations", "task", "task"),
    Question("stability", "analyze_training_stability", "task", "task"),
)
# Built in, by the names of the functions of `Task` that make them.
TASKS = ("repeated_tokens", "ioi", "greater_than", "docstring")
