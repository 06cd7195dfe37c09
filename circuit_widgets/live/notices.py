"""What the explorer measures besides its text, and what a user has to know of either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.jobs.job import Job
from circuit_widgets.live.reading import Reading
from circuit_widgets.prompts.unknown_words import about_unknown_words

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# The scores of the grid need no more: their intervals are shown beside them.
PROBE_SEQUENCES, PROBE_BATCH = 8, 2


def probe_job(model: TransformerBridge) -> Job[InductionHeads]:
    """The job that scores every head on random tokens that repeat."""
    return identify_induction_heads.job(
        model,
        n_sequences=PROBE_SEQUENCES,
        batch=PROBE_BATCH,
        loss=False,
        copying=False,
        ablation=0,
        pairs=False,
    )


def about_reading(model: TransformerBridge, reading: Reading) -> str | None:
    """A sentence, if the text or its attention is not what it seems."""
    layers = reading.store.not_numbers()
    if layers:
        named = ", ".join(map(str, layers))
        missing = f"Attention has values that are not numbers (NaN) in layer {named}: "
        return f"{missing}what depends on them is left out."
    return about_unknown_words(model, reading.tokens.text)


def about_probe(job: Job[InductionHeads] | None) -> str | None:
    """A sentence, if heads were not scored on all the random tokens."""
    if job is not None and job.state == "stopped":
        progress = "none" if job.result is None else job.result.provenance.progress
        return f"Scores on random tokens: {progress}."
    if job is not None and job.state == "failed":
        return f"No scores on random tokens: {job.error}"
    return None
