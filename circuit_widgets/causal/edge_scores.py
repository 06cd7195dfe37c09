"""What each edge does for a task, by one of the methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.causal.first_order import WAYS, FirstOrder
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.patching import Patching
from circuit_widgets.prompts.tasks import Task

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

METHODS = ("mean", *WAYS, "exact", "patching", "attribution")
EXACT = ("exact", "patching")
# Those that score nodes; an edge is then as strong as the weaker of its two.
OF_NODES = ("patching", "attribution")
SAID = {
    "mean": "mean of EAP, EAP-IG on the inputs and EAP-IG on the activations",
    "eap": "edge attribution patching (Syed et al. 2023)",
    "eap-ig-inputs": "EAP-IG on the inputs (Hanna et al. 2024)",
    "eap-ig-activations": "EAP-IG on the activations (Marks et al. 2024)",
    "exact": "patching of every edge",
    "patching": "patching of every node",
    "attribution": "attribution of every node",
}


def check_method(method: str, task: Task) -> None:
    """Return if a method can explain a task's metric.

    Raises:
        ValueError: It takes the slope where the metric has none.

    >>> import circuit_widgets as cw
    >>> check_method("eap", cw.Task.repeated_tokens(cw.load_model(), n=2))
    """
    if task.metric == "kl" and method in ("eap", "attribution"):
        raise ValueError(
            f"method {method!r} takes the slope on the clean prompt, where a KL divergence from it "
            "is at its minimum and has none; accepted with 'kl' are other methods, such as "
            "'eap-ig-inputs'"
        )


def edge_scores(
    model: TransformerBridge,
    nodes: Nodes,
    task: Task,
    method: str,
    steps: int,
    batch: int,
    direction: str = "noising",
) -> Iterator[Float[Tensor, "prompt source target"]]:
    """Effects of every edge on each prompt's score, some prompts at a time; NaN: no edge.

    direction: of exact methods, see `Patching`.

    Raises:
        PartsMissing: What nodes write does not add up to the stream.
    """
    for start in range(0, len(task), batch):
        some = task.batch(slice(start, start + batch))
        yield _scores(model, nodes, some, method, steps, direction).cpu()


def exact_scores(
    model: TransformerBridge, nodes: Nodes, task: Task, edges: list[tuple[int, int]], batch: int
) -> Float[Tensor, "prompt edge"]:
    """The exact effects of some edges, to compare an estimate with."""
    source, target = torch.tensor(edges).T
    found = []
    for start in range(0, len(task), batch):
        some = task.batch(slice(start, start + batch))
        patching = patching_of(model, nodes, some)
        found.append(patching.edges(edges)[:, source, target].cpu())
    return torch.cat(found)


def measure(model: TransformerBridge, task: Task) -> Callable[[Tensor], Tensor]:
    """The task's score of logits; "kl" compares with the clean run's."""
    clean = None
    if task.metric == "kl":
        clean = capture.run(model, task.clean)
    return lambda logits: task.score(logits, clean_logits=clean)


def patching_of(
    model: TransformerBridge, nodes: Nodes, task: Task, direction: str = "noising"
) -> Patching:
    """Exact patching of one batch of a task's prompts, which reads logits where the task does."""
    clean = None
    if task.metric == "kl":
        clean = task.read(capture.run(model, task.clean))

    def score(read: Tensor) -> Tensor:
        return task.score_read(read, clean)

    return Patching(model, nodes, task.clean, task.corrupt, score, direction, task.places)


def _scores(
    model: TransformerBridge, nodes: Nodes, task: Task, method: str, steps: int, direction: str
) -> Float[Tensor, "prompt source target"]:
    if method in EXACT:
        patching = patching_of(model, nodes, task, direction)
        if method == "exact":
            return patching.edges()
        return between(patching.nodes(), nodes)
    edges = FirstOrder(model, nodes, task.clean, task.corrupt, measure(model, task))
    if method == "mean":
        return sum((edges.scores(way, steps) for way in WAYS), torch.zeros(())) / len(WAYS)
    if method == "attribution":
        # All that reads a node's write reads it directly: its slope is the sum of theirs.
        return between(edges.scores("eap").nansum(-1), nodes)
    return edges.scores(method, steps)


def between(
    scores: Float[Tensor, "prompt source"], nodes: Nodes
) -> Float[Tensor, "prompt source target"]:
    """Each edge is as strong as the weaker of its two nodes, and has its sign.

    So the strongest edges are all those among the strongest nodes. The embedding and the output
    are always there. Of the heads that share keys or values the strongest counts.

    >>> nodes = Nodes((2,), (2,), ("",))
    >>> between(torch.tensor([[9.0, 2.0, -1.0]]), nodes)[0]
    tensor([[ 2., -1.,  2., -1.,  2., -1.,  9.],
            [nan, nan, nan, nan, nan, nan,  2.],
            [nan, nan, nan, nan, nan, nan, -1.]])
    """
    feeds = nodes.feeds.to(scores.device)
    _, strongest = torch.where(feeds, scores[:, None].abs(), -1).max(-1)
    later, earlier = scores.gather(1, strongest)[:, None], scores[:, :, None]
    weaker = torch.where(earlier.abs() <= later.abs(), earlier, later)
    weaker[:, 0], weaker[:, :, -1] = later[:, 0], scores
    return torch.where(nodes.allowed.to(scores.device), weaker, torch.nan)
