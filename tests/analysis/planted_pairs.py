"""Models with one pair of heads that work together in a known way, among heads that say little."""

from __future__ import annotations

import dataclasses

import torch
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets.analysis.coordination.analyze import analyze_head_coordination
from circuit_widgets.analysis.coordination.results import HeadCoordination
from circuit_widgets.causal.metrics import Metric
from circuit_widgets.heads import Head
from tests.circuits import Circuit, Kind, build


@dataclasses.dataclass
class Planted:
    model: TransformerBridge
    prompts: list[list[int]]
    a: Head
    b: Head
    reader: Head | None = None
    metric: Metric | None = None


GAIN = {"serial": 8.0, "aggregation": 8.0, "redundant": 6.0, "parallel": 1.0}


def plant(kind: str, seed: int) -> Planted:
    """A pair of known type at random places, among heads that write a little noise.

    - serial: a previous-token head and an induction head that reads it; prompts that repeat.
    - aggregation: two previous-token heads of which each says half of what one induction head
      reads.
    - redundant: two heads that both say "the same token again", which half of the prompts do; the
      logp of the next token is about as good with one of them. No head reads them.
    - parallel: one says "the same token again", one "the token before again", and the metric adds
      their logits: neither knows the other.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (1,), generator=generator))

    n_layers, n_heads, v, n = draw(2, 3), draw(3, 4), 20, 14
    a = Head(draw(0, n_layers - 2), draw(0, n_heads - 1))
    b = Head(draw(a.layer + 1, n_layers - 1), draw(0, n_heads - 1))
    reader = b if kind == "serial" else None
    if kind == "aggregation":
        reader, b = b, Head(draw(0, b.layer - 1), draw(0, n_heads - 1))
        b = Head(b.layer, (b.index + 1) % n_heads) if a == b else b
    elif kind != "serial" and draw(0, 1):
        b = Head(a.layer, (a.index + 1) % n_heads)
    a, b = min(a, b), max(a, b)
    looks: dict[str, tuple[Kind, Kind]] = {
        "serial": ("previous", "induction"),
        "aggregation": ("previous", "previous"),
        "redundant": ("current", "current"),
        "parallel": ("current", "previous"),
    }
    places: dict[tuple[int, int], Kind] = {
        (a.layer, a.index): looks[kind][0],
        (b.layer, b.index): looks[kind][1],
    }
    if reader is not None:
        places[reader.layer, reader.index] = "induction"
    free = [(i, j) for i in range(n_layers) for j in range(n_heads) if (i, j) not in places]
    others: list[Kind] = ["previous", "current", "uniform"]
    kinds = places | {at: others[draw(0, 2)] for at in free}
    circuit = Circuit(
        n_layers,
        n_heads,
        # Circuit wants both; these places are none.
        (a.layer, a.index) if reader else (-2, 0),
        (reader.layer, reader.index) if reader else (-1, 0),
        tuple(kinds.items()),
        vocabulary=v,
        context=16,
        gain=GAIN[kind],
    )
    model = build(circuit)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    d_head, token, output = v + 17, slice(0, v), slice(2 * v + 16, 3 * v + 16)
    before = slice(v + 16, 2 * v + 16)
    for layer in range(n_layers):
        attn = f"blocks.{layer}.attn"
        # Steep enough to look at one token, and not so steep that gradients vanish, or that half of
        # what the reader of two hears is as good as all.
        steep = (3 if kind == "aggregation" and layer == getattr(reader, "layer", None) else 8) / 60
        weights[f"{attn}.q.weight"] *= steep
        weights[f"{attn}.q.bias"] *= steep
        for head in range(n_heads):
            rows = slice(head * d_head, head * d_head + v)
            if (layer, head) not in places:
                noise = 0.05 * torch.randn(2, v, v, generator=generator)
                weights[f"{attn}.v.weight"][rows, token] = torch.eye(v) + noise[0]
                weights[f"{attn}.o.weight"][output, rows] = noise[1]
            elif reader is None:
                weights[f"{attn}.v.weight"][rows, token] = torch.eye(v)
                weights[f"{attn}.o.weight"][output, rows] = torch.eye(v)
            elif kind == "aggregation" and Head(layer, head) != reader:
                weights[f"{attn}.v.weight"][rows, token] = torch.eye(v)
                weights[f"{attn}.o.weight"][before, rows] = torch.eye(v) / 2
    model.load_state_dict(weights)
    prompts = []
    for at in range(40):
        ids = torch.randperm(v, generator=generator)[:n]
        period = draw(2, 3) if reader else 1
        prompts.append((ids[:period].repeat(n)[:n] if at % 2 else ids).tolist())

    def added(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return logits[:, :-1].gather(-1, tokens[:, 1:, None])[:, :, 0].mean(1)

    return Planted(model, prompts, a, b, reader, added if kind == "parallel" else None)


def coordinated(planted: Planted) -> HeadCoordination:
    return analyze_head_coordination(
        planted.model,
        planted.prompts,
        metric=planted.metric,
        n_permutations=100,
        pairs=3,
        batch=40,
        progress=False,
    )
