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
# Not one that scores edges once and for all: see `pruning`.
PRUNING = "pruning"
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
    "pruning": "edges pruned size by size, by integrated slopes of their mask in what is left",
}


def check_method(method: str, task: Task, by_position: bool = False) -> None:
    """Return if a method can explain a task's metric.

    Raises:
        ValueError: It takes the slope where the metric has none; or by position it prunes, or
            scores nodes, of which a head is no single one: it reads at one and writes at others.

    >>> import circuit_widgets as cw
    >>> check_method("eap", cw.Task.repeated_tokens(cw.load_model(), n=2))
    """
    if task.metric == "kl" and method in ("eap", "attribution"):
        raise ValueError(
            f"method {method!r} takes the slope on the clean prompt, where a KL divergence from it "
            "is at its minimum and has none; accepted with 'kl' are other methods, such as "
            "'eap-ig-inputs'"
        )
    if by_position and method == PRUNING:
        raise ValueError(
            "method 'pruning' takes edges away at all positions at once; accepted with "
            "by_position=True are methods such as 'eap-ig-inputs'"
        )
    if by_position and method in OF_NODES:
        raise ValueError(
            f"method {method!r} scores nodes, and a head reads at other positions than it writes "
            "at; accepted with by_position=True are methods of edges, such as 'eap-ig-inputs'"
        )


def read_positions(task: Task) -> list[int]:
    """Where all prompts' answers are read, of a task whose positions mean the same in all.

    Raises:
        ValueError: They do not.

    >>> import circuit_widgets as cw
    >>> read_positions(cw.Task.repeated_tokens(cw.load_model(), n=2, length=4))
    [5, 6, 7]
    """
    if task.roles is None:
        raise ValueError(
            f"the task {task.name!r} does not say what its positions are, so that an edge at one "
            "could be another thing in each prompt; accepted with by_position=True are tasks with "
            "a role for each position: task.named([...]), or roles= of Task.from_pairs"
        )
    if bool((task.places != task.places[:1]).any()):
        raise ValueError(
            f"the answers of the task {task.name!r} are read at other positions in some prompts; "
            "accepted with by_position=True are the same in all"
        )
    return task.places[0].tolist()


def edge_scores(
    model: TransformerBridge,
    nodes: Nodes,
    task: Task,
    method: str,
    steps: int,
    batch: int,
    direction: str = "noising",
) -> Iterator[Float[Tensor, "prompt *pos source target"]]:
    """Effects of every edge on each prompt's score, some prompts at a time; NaN: no edge.

    nodes: of a graph by position each edge is scored at each position.
    direction: of exact methods, see `Patching`.

    Raises:
        PartsMissing: What nodes write does not add up to the stream.
    """
    for start in range(0, len(task), batch):
        some = task.batch(slice(start, start + batch))
        yield _scores(model, nodes, some, method, steps, direction).cpu()


def exact_scores(
    model: TransformerBridge,
    nodes: Nodes,
    task: Task,
    edges: list[tuple[int, ...]],
    batch: int,
    direction: str = "noising",
) -> Float[Tensor, "prompt edge"]:
    """The exact effects of some edges, to compare an estimate with; each as `Patching.edges`."""
    at = torch.tensor(edges).T
    found = []
    for start in range(0, len(task), batch):
        some = task.batch(slice(start, start + batch))
        patching = patching_of(model, nodes, some, direction)
        found.append(patching.edges(edges)[(slice(None), *at)].cpu())
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

    places = task.places
    return Patching(model, nodes.anywhere, task.clean, task.corrupt, score, direction, places)


def _scores(
    model: TransformerBridge, nodes: Nodes, task: Task, method: str, steps: int, direction: str
) -> Float[Tensor, "prompt *pos source target"]:
    placed = bool(nodes.n_positions)
    if method in EXACT:
        patching = patching_of(model, nodes, task, direction)
        if method == "patching":
            return between(patching.nodes(), nodes)
        every = [(*map(int, place),) for place in nodes.allowed.nonzero()] if placed else None
        return patching.edges(every)
    edges = FirstOrder(model, nodes.anywhere, task.clean, task.corrupt, measure(model, task))
    if method == "attribution":
        # All that reads a node's write reads it directly: its slope is the sum of theirs.
        return between(edges.scores("eap").nansum(-1), nodes)
    ways = WAYS if method == "mean" else (method,)
    parts = (edges.scores(way, steps, by_position=placed) for way in ways)
    found = sum(parts, torch.zeros(())) / len(ways)
    # By position also those are no edges from which nothing comes to where answers are read.
    return torch.where(nodes.allowed.to(found.device), found, torch.nan)


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
