"""The model that a plan of parts is."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.sources import native

from tests.generated.parts import Part, Planted


def build(plan: Planted) -> TransformerBridge:
    """The model, in eval mode and without a tokenizer.

    A head's dimensions are [what it matches and copies | positions | what it avoids].
    """
    v, p = plan.vocabulary, plan.length
    slots = {"position": slice(0, p)}
    for at, slot in enumerate(plan.slots):
        slots[slot] = slice(p + at * v, p + (at + 1) * v)
    d_model, d_head = p + len(plan.slots) * v, 2 * v + p
    model = native.boot(
        TransformerBridgeConfig(
            d_model=d_model,
            d_head=d_head,
            n_layers=plan.n_layers,
            n_heads=plan.n_heads,
            n_key_value_heads=plan.n_keys,
            n_ctx=p,
            d_vocab=v,
            d_mlp=v,
            attn_only=not plan.has_mlps,
            normalization_type=None,
            act_fn="relu",
        )
    ).eval()
    weights = {name: torch.zeros_like(tensor) for name, tensor in model.state_dict().items()}
    weights["embed.weight"][:, slots["token"]] = torch.eye(v)
    weights["pos_embed.weight"][:, slots["position"]] = torch.eye(p)
    weights["unembed.weight"][:, slots["output"]] = plan.gain * torch.eye(v)
    for part in (*plan.decoys, *plan.parts):
        if part.kind == "mlp":
            _mlp(weights, part, slots)
        else:
            _head(weights, plan, part, slots)
    if plan.noise:
        generator = torch.Generator().manual_seed(plan.seed)
        for weight in weights.values():
            size = plan.noise / math.sqrt(d_model)
            weight += size * torch.randn(weight.shape, generator=generator)
    model.load_state_dict(weights)
    return model


def _head(weights: dict[str, Tensor], plan: Planted, part: Part, slots: dict[str, slice]) -> None:
    v, p = plan.vocabulary, plan.length
    d_head, group = 2 * v + p, plan.n_heads // plan.n_keys
    match, positions, avoid = slice(0, v), slice(v, v + p), slice(v + p, d_head)
    attn = f"blocks.{part.layer}.attn"
    own = slice(part.head * d_head, (part.head + 1) * d_head)
    shared = slice(part.head // group * d_head, (part.head // group + 1) * d_head)
    q, o = weights[f"{attn}.q.weight"][own], weights[f"{attn}.o.weight"][:, own]
    k, value = (weights[f"{attn}.{name}.weight"][shared] for name in "kv")
    steep = part.steep * math.sqrt(d_head)
    if part.kind in ("previous", "current"):
        ahead = int(part.kind == "previous")
        q[positions, slots["position"]] = steep * torch.diag(torch.ones(p - ahead), ahead)
        k[positions, slots["position"]] = torch.eye(p)
    else:
        looked_for, *found = part.slots("q")
        held, *_ = part.slots("k")
        q[match, slots[looked_for]] = steep * torch.eye(v)
        k[match, slots[held]] = torch.eye(v)
        for slot in found:
            # Twice as much as a match attracts.
            q[avoid, slots[slot]] = -2 * steep * torch.eye(v)
            k[avoid, slots[part.slots("v")[0]]] = torch.eye(v)
    value[match, slots[part.slots("v")[0]]] = torch.eye(v)
    for slot in part.writes:
        o[slots[slot], match] = part.size * torch.eye(v)


def _mlp(weights: dict[str, Tensor], part: Part, slots: dict[str, slice]) -> None:
    mlp = f"blocks.{part.layer}.mlp"
    eye = torch.eye(len(weights[f"{mlp}.in.bias"]))
    weights[f"{mlp}.in.weight"][:, slots[part.slots("mlp")[0]]] = 2 * eye
    weights[f"{mlp}.in.bias"][:] = -0.5
    for slot in part.writes:
        weights[f"{mlp}.out.weight"][slots[slot]] = part.size * eye
