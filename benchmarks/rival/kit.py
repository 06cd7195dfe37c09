"""circuitkit: EAP and EAP-IG on the inputs, in five steps."""

from __future__ import annotations

import circuitkit
import torch
from circuitkit.backends.eap import attribute
from circuitkit.backends.eap.graph import Graph

from benchmarks.rival import side

given = side.prompts()
model = circuitkit.load_model(side.MODEL, dtype="float32", device="cpu")


def as_ids(model, clean, corrupted, **_):
    """Prompts are ids already: it reads text, and would put tokens before it that ours lacks."""
    mask = torch.ones_like(clean)
    return clean, corrupted, mask, mask, mask.sum(1), clean.shape[1]


def lost(logits, clean_logits, lengths, label):
    return -side.difference(logits, *label).sum()


attribute.tokenize_batch_pair = as_ids
batches = [(given["clean"], given["corrupt"], (given["right"], given["wrong"]))]


def found() -> dict[str, torch.Tensor]:
    graph = Graph.from_model(model)
    attribute.attribute(model, graph, batches, lost, method=side.METHOD, ig_steps=5, quiet=True)
    return {"ungrouped": graph.scores}


side.answer(found)
