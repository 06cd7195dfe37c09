"""What is measured of a head in one prompt: how it attends, and what it writes."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.failures.seen import Seen
from circuit_widgets.results.score import About

Pattern = Float[Tensor, "batch head query key"]


def _about(name: str, label: str, about: str, *, most: float | None = 1.0) -> About:
    return About(name, label, about, "circuit_widgets", most=most, group="this case")


_LEFT = "with the first key (a sink) left out and the rest scaled to sum to 1"
ABOUTS: dict[str, About] = {
    each.name: each
    for each in (
        _about("entropy", "Entropy", f"Entropy of attention over its maximum, {_LEFT}."),
        _about("uniform", "Uniform", f"1 minus the total variation to even attention, {_LEFT}."),
        _about("one_key", "One key", f"The largest weight of a row, {_LEFT}."),
        _about(
            "rank",
            "Effective rank",
            "exp of the entropy of the pattern's singular values, over the number of tokens.",
        ),
        _about("first_token", "First token", "Mean attention to the first token."),
        _about("previous_token", "Previous token", "Mean attention to the token before."),
        _about("current_token", "Current token", "Mean attention to the token itself."),
        _about("future", "Future", "Mean attention to later tokens, which must be 0."),
        _about("last_first", "First token, last query", "What the last token gives to the first."),
        _about("last_one_key", "One key, last query", f"Its largest weight, {_LEFT}."),
        _about(
            "write_size",
            "Log size of the write",
            "log of the norm of the write over that of the residual stream, without position 0.",
            most=None,
        ),
        _about(
            "last_write_size",
            "Log size of the write, last token",
            "The same at the last token.",
            most=None,
        ),
    )
}
MLP_FEATURES = ("write_size", "last_write_size")
# Robust deviations are at least this large: smaller differences are of no account.
FLOORS = {"write_size": 0.05, "last_write_size": 0.05}
FLOOR = 0.01
_TINY = 1e-12


def head_features(seen: Seen) -> Float[Tensor, "feature batch layer head"]:
    """Of every head; NaN where a layer has fewer, and where a prompt is too short."""
    most = max(seen.nodes.heads)
    layers = []
    for layer in range(seen.n_layers):
        rows = _of_pattern(seen.sites["pattern"][layer].float())
        rows |= _sizes(seen.writes[layer], seen.inputs.stream(layer).float()[:, :, None])
        found = torch.stack([rows[name] for name in ABOUTS]).cpu()
        layers.append(torch.nn.functional.pad(found, (0, most - found.shape[-1]), value=math.nan))
    return torch.stack(layers, 2)


def mlp_features(seen: Seen) -> Float[Tensor, "feature batch layer"]:
    """Of every MLP; NaN where a layer has none."""
    n_batch = len(seen.logits)
    found = torch.full((len(MLP_FEATURES), n_batch, seen.n_layers), math.nan)
    for layer, out in seen.sites.get("mlp_out", {}).items():
        rows = _sizes(out.float(), seen.inputs.stream(layer).float())
        found[:, :, layer] = torch.stack([rows[name] for name in MLP_FEATURES]).cpu()
    return found


def sinkless(pattern: Pattern) -> Pattern:
    """Rows from the third query on, without the first key, scaled to sum to 1."""
    rest = pattern[..., 2:, 1:]
    return rest / rest.sum(-1, keepdim=True).clamp_min(_TINY)


def _of_pattern(pattern: Pattern) -> dict[str, Float[Tensor, "batch head"]]:
    n = pattern.shape[-1]
    rows = sinkless(pattern)
    counts = torch.arange(2, n, device=pattern.device).float()
    allowed = torch.ones_like(pattern[0, 0]).tril()[2:, 1:]
    even = allowed / counts[:, None]
    entropy = -torch.xlogy(rows, rows).sum(-1) / counts.log()
    values = torch.linalg.svdvals(pattern.nan_to_num().cpu())
    shares = values / values.sum(-1, keepdim=True).clamp_min(_TINY)
    return {
        "entropy": _mean(entropy),
        "uniform": _mean(1 - (rows - even).abs().sum(-1) / 2),
        "one_key": _mean(rows.amax(-1)) if n > 2 else _missing(pattern),
        "rank": (-torch.xlogy(shares, shares).sum(-1)).exp().to(pattern.device) / n,
        "first_token": _mean(pattern[..., 1:, 0]),
        "previous_token": _mean(pattern.diagonal(-1, -2, -1)),
        "current_token": _mean(pattern.diagonal(0, -2, -1)[..., 1:]),
        "future": pattern.triu(1).sum(-1).mean(-1),
        "last_first": pattern[..., -1, 0],
        "last_one_key": rows[..., -1, :].amax(-1) if n > 2 else _missing(pattern),
    }


def _mean(values: Float[Tensor, "batch head query"]) -> Float[Tensor, "batch head"]:
    return values.mean(-1) if values.shape[-1] else torch.full(values.shape[:2], math.nan)


def _missing(pattern: Pattern) -> Float[Tensor, "batch head"]:
    return torch.full(pattern.shape[:2], math.nan, device=pattern.device)


def _sizes(write: Tensor, stream: Tensor) -> dict[str, Tensor]:
    """Of [batch, pos, ..., d], by batch and what is between."""
    size = write.norm(dim=-1).clamp_min(1e-8).log() - stream.norm(dim=-1).clamp_min(1e-8).log()
    return {"write_size": size[:, 1:].mean(1), "last_write_size": size[:, -1]}
