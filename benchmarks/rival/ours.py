"""Our side, in a process of its own as the others are."""

from __future__ import annotations

import torch

from benchmarks.rival import side
from circuit_widgets.causal.edge_scores import edge_scores, patching_of
from circuit_widgets.causal.nodes import nodes_of
from circuit_widgets.models import load_model
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.statistics.sign_flips import sign_flip_q

given = side.prompts()
model = load_model(side.MODEL)
nodes = nodes_of(model)
last = torch.full((len(given["clean"]),), given["clean"].shape[1] - 1)
task = Task("ioi", given["clean"], given["corrupt"], last, given["right"], given["wrong"])


def found() -> dict[str, torch.Tensor]:
    if side.METHOD == "nodes":
        effects = patching_of(model, nodes, task, "denoising").nodes()
        return {"nodes": effects.mean(0), "q": sign_flip_q(effects)}
    scores = edge_scores(model, nodes, task, side.METHOD, 5, len(task))
    return {"edges": torch.cat([*scores]).mean(0)}


side.answer(found)
