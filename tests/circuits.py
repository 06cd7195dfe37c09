"""Attention-only models written by hand, whose every attention weight is known.

The residual stream has four parts: [token | position | previous token | output], V+P+V+V.
A `Circuit` says what each head does; `build` writes the weights; `expected_pattern` says without
any weights where each head must look. With a steep enough softmax (60 nats) they agree exactly in
float32.

- previous: looks at the position before. The planted one copies that token to the third part.
- induction: looks for keys whose third part is its own token, never at position 0 (which has no
  previous token); copies the token it finds to the output.
- duplicate: looks at earlier positions with its own token, never at itself.
- current: looks at itself.
- uniform: all weights zero.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import torch
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.sources import native

Kind = Literal["previous", "induction", "duplicate", "current", "uniform"]
At = tuple[int, int]
# How much a matching key is preferred, in nats of the attention logit.
STEEP = 60.0


@dataclasses.dataclass(frozen=True)
class Circuit:
    n_layers: int
    n_heads: int
    previous: At
    induction: At
    # What other heads do; those not named are uniform.
    others: tuple[tuple[At, Kind], ...] = ()
    vocabulary: int = 40
    context: int = 24
    # Logits of the induction head's output.
    gain: float = 12.0

    def kind(self, at: At) -> Kind:
        planted: dict[At, Kind] = {self.previous: "previous", self.induction: "induction"}
        return (planted | dict(self.others)).get(at, "uniform")

    def heads(self) -> list[At]:
        return [(layer, head) for layer in range(self.n_layers) for head in range(self.n_heads)]


def build(circuit: Circuit, dtype: torch.dtype = torch.float32) -> TransformerBridge:
    """The model. It has no tokenizer, and starts in train mode as `boot_native` models do."""
    assert circuit.previous[0] < circuit.induction[0], "induction reads what previous wrote"
    v, p = circuit.vocabulary, circuit.context
    token, position = slice(0, v), slice(v, v + p)
    before, output = slice(v + p, 2 * v + p), slice(2 * v + p, 3 * v + p)
    d_model, d_head = 3 * v + p, v + p + 1
    model = native.boot(
        TransformerBridgeConfig(
            d_model=d_model,
            d_head=d_head,
            n_layers=circuit.n_layers,
            n_heads=circuit.n_heads,
            n_ctx=p,
            d_vocab=v,
            attn_only=True,
            normalization_type=None,
            act_fn="relu",
            dtype=dtype,
        )
    )
    weights = {name: torch.zeros_like(tensor) for name, tensor in model.state_dict().items()}
    weights["embed.weight"][:, token] = torch.eye(v)
    weights["pos_embed.weight"][:, position] = torch.eye(p)
    weights["unembed.weight"][:, output] = torch.eye(v) * circuit.gain
    steep = STEEP * math.sqrt(d_head)
    # Places inside a head's d_head dimensions.
    tokens, positions, bias = slice(0, v), slice(v, v + p), v + p
    for layer, head in circuit.heads():
        attn = f"blocks.{layer}.attn"
        rows = slice(head * d_head, (head + 1) * d_head)
        q, k, value = (weights[f"{attn}.{name}.weight"][rows] for name in "qkv")
        o = weights[f"{attn}.o.weight"][:, rows]
        kind = circuit.kind((layer, head))
        if kind == "previous":
            q[positions, position] = steep * torch.diag(torch.ones(p - 1), 1)
            k[positions, position] = torch.eye(p)
        elif kind == "current":
            q[positions, position] = steep * torch.eye(p)
            k[positions, position] = torch.eye(p)
        elif kind == "duplicate":
            q[tokens, token] = steep * torch.eye(v)
            k[tokens, token] = torch.eye(v)
            q[positions, position] = -2 * steep * torch.eye(p)
            k[positions, position] = torch.eye(p)
        elif kind == "induction":
            q[tokens, token] = steep * torch.eye(v)
            k[tokens, before] = torch.eye(v)
            # Every query is repelled by position 0, twice as much as a match attracts.
            weights[f"{attn}.q.bias"][head * d_head + bias] = -2 * steep
            k[bias, position.start] = 1.0
        if (layer, head) == circuit.previous:
            value[tokens, token] = torch.eye(v)
            o[before, tokens] = torch.eye(v)
        if (layer, head) == circuit.induction:
            value[tokens, token] = torch.eye(v)
            o[output, tokens] = torch.eye(v)
    model.load_state_dict(weights)
    return model


def expected_pattern(kind: Kind, tokens: Sequence[int]) -> list[list[float]]:
    """Where a head of this kind looks, by what the kind means: one row of weights a query."""
    rows = []
    for query in range(len(tokens)):
        seen = list(range(query + 1))
        if kind == "previous":
            keys = [query - 1] if query else [0]
        elif kind == "current":
            keys = [query]
        elif kind == "duplicate":
            others = seen[:-1]
            keys = [key for key in others if tokens[key] == tokens[query]] or others or seen
        elif kind == "induction":
            later = seen[1:]
            keys = [key for key in later if tokens[key - 1] == tokens[query]] or later or seen
        else:
            keys = seen
        rows.append([1 / len(keys) if key in keys else 0.0 for key in range(len(tokens))])
    return rows


def expected_logits(circuit: Circuit, tokens: Sequence[int]) -> list[list[float]]:
    """What the model predicts: the tokens its induction head looks at, times the gain."""
    logits = []
    for row in expected_pattern("induction", tokens):
        at = [0.0] * circuit.vocabulary
        for key, weight in enumerate(row):
            at[tokens[key]] += circuit.gain * weight
        logits.append(at)
    return logits
