"""Queries, keys and values of latent attention as one matrix a head each.

DeepSeek-AI 2024, DeepSeek-V2 (section 2.1): keys and values are made from one latent vector, and
often queries from another. A matrix leads down to it, a norm follows, a matrix leads up again; with
the norm's scale at each position held as it was, the three are one matrix. Queries and keys have
numbers of their own for rotary positions besides, which do not pass the norm: they are left out, as
no one number a position would make one matrix of both.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.weights.norms import norm_of


class Latent(NamedTuple):
    """As in `HeadWeights`, as they are stored, up to the scale of each position."""

    q: Float[Tensor, "head d_model d_content"]
    k: Float[Tensor, "head d_model d_content"]
    v: Float[Tensor, "head d_model d_head"]


def is_latent(attention: Any) -> bool:
    """Whether a layer's keys and values are made from a latent vector.

    >>> from circuit_widgets import load_model
    >>> is_latent(load_model().blocks[0].attn)
    False
    """
    return {"kv_a_proj_with_mqa", "kv_b_proj"} <= {name for name, _ in attention.named_children()}


def latent_weights(attention: Any, n_heads: int, dtype: torch.dtype) -> Latent:
    """Of a layer of latent attention; all sizes are those of its matrices.

    Raises:
        ValueError: They do not fit to each other.
    """
    parts = dict(attention.named_children())
    down, up = (as_matrix(parts[name]) for name in ("kv_a_proj_with_mqa", "kv_b_proj"))
    # What comes down is the latent, and the key's numbers for positions.
    keys_and_values = _through(down[:, : len(up)], parts.get("kv_a_layernorm"), up, dtype)
    if "q_b_proj" in parts:
        above = as_matrix(parts["q_b_proj"])
        whole = _through(as_matrix(parts["q_a_proj"]), parts.get("q_a_layernorm"), above, dtype)
    else:
        whole = as_matrix(parts.get("q_proj") or attention.original_component.q_proj)
    d_head = len(as_matrix(parts["o"])) // n_heads
    shared = keys_and_values.unflatten(1, (n_heads, -1)).transpose(0, 1)
    k, v = shared[..., :-d_head], shared[..., -d_head:]
    q = whole.unflatten(1, (n_heads, -1)).transpose(0, 1)
    return Latent(q[..., : k.shape[-1]], k, v)


def as_matrix(module: Any) -> Float[Tensor, "in out"]:
    """What a linear map multiplies by, found out by asking: layouts of weights differ."""
    inner = getattr(module, "original_component", None) or module
    weight: Tensor = inner.weight.detach()
    if isinstance(inner, torch.nn.Linear):
        return weight.T.float()
    for width in sorted(set(weight.shape)):
        eye = torch.eye(width, device=weight.device, dtype=weight.dtype)
        try:
            with torch.no_grad():
                return (inner(eye) - inner(torch.zeros_like(eye[:1]))).float()
        except RuntimeError:
            continue
    raise ValueError(f"{type(inner).__name__} is no linear map of {list(weight.shape)}")


def _through(
    down: Float[Tensor, "d_model latent"],
    norm: Any,
    up: Float[Tensor, "latent out"],
    dtype: torch.dtype,
) -> Float[Tensor, "d_model out"]:
    return down @ norm_of(norm, len(up), up.device, dtype).fold(up)
