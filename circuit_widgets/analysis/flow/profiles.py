"""What each layer does on a task's prompts: what it attends to, how far the answer is by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.attention.shapes import PatternScores
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.prompts.tasks import Task, scores

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Of a layer's attention, mean over its heads: name here, and in `attention.shapes`.
ATTENTION = {
    "previous token": "previous_token",
    "local window": "local_window",
    "first token": "first_token",
}
LENS, INTO, OUT = "logit lens", "flow in", "flow out"
MEANING = {
    "previous token": "attention to the previous token, mean over heads",
    "local window": "attention to the token itself and the 4 before it, mean over heads",
    "first token": "attention to the first token, mean over heads",
    LENS: "the metric, read from the stream after the layer by the model's own last norm and "
    "unembedding (nostalgebraist 2020)",
    INTO: "sum of the flows into the layer",
    OUT: "sum of the flows out of the layer",
}


def measured(
    model: TransformerBridge, nodes: Nodes, task: Task
) -> Float[Tensor, "prompt layer feature"]:
    """Attention of each layer and its logit lens, in the order of `ATTENTION` and then `LENS`.

    >>> import circuit_widgets as cw
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = cw.load_model()
    >>> found = measured(model, nodes_of(model), cw.Task.repeated_tokens(model, n=3))
    >>> found.shape, bool((found[:, -1, -1] > found[:, 0, -1]).all())
    (torch.Size([3, 2, 4]), True)
    """
    n_layers = len(nodes.heads)
    patterns = PatternScores(task.clean, n_layers, max(nodes.heads))
    streams, inputs = capture.Keep("resid_post"), capture.BlockInputs()
    logits = capture.run(model, task.clean, [patterns, streams, inputs])
    at = [patterns.names.index(name) for name in ATTENTION.values()]
    attention = patterns.values[at].nanmean(-1).permute(1, 2, 0)
    rows = torch.arange(len(task), device=logits.device)[:, None]
    places = task.places.to(logits.device)
    read = torch.stack([streams.tensors[layer][rows, places] for layer in range(n_layers)], 1)
    lens = _lens(model, inputs, read)
    clean = task.read(logits)
    wrong = None if task.wrong is None else task.answers(task.wrong)
    right = task.answers(task.right)
    by_layer = [
        scores.score(task.metric, lens[:, layer], right, wrong, clean) for layer in range(n_layers)
    ]
    return torch.cat([attention, torch.stack(by_layer, 1).float().cpu()[..., None]], -1)


def _lens(
    model: TransformerBridge,
    inputs: capture.BlockInputs,
    streams: Float[Tensor, "prompt layer place d_model"],
) -> Float[Tensor, "prompt layer place vocab"]:
    """The model's own logits of streams after any layer.

    What comes after the last layer knows no position: one pass takes as many streams of a prompt as
    it has positions.
    """
    last = len(model.blocks) - 1
    n_pos = inputs.stream(last).shape[1]
    found = []
    for some in streams.flatten(1, 2).split(n_pos, 1):
        put = torch.zeros_like(inputs.stream(last))
        put[:, : some.shape[1]] = some
        edit = capture.patch("resid_post", {last: put})
        logits = capture.resume(model, inputs, last, interventions=[edit])
        found.append(logits[:, : some.shape[1]].float())
    return torch.cat(found, 1).unflatten(1, streams.shape[1:3])
