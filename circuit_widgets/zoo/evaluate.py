"""The three numbers of the training curve and the head scores behind them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge


@dataclass(frozen=True)
class Measured:
    """Scores on `[BOS, r_1..r_S, r_1..r_S]`, averaged over rows and positions.

    Definitions (Olsson et al. 2022), A = pattern [query, key]:
        prefix_matching: mean A[q, q-S+1] over q in [S+1, 2S]; what an induction head attends to.
        previous_token: mean A[q, q-1] over q in [2, 2S]; not q = 1, where q-1 is also BOS.
        loss_first: nats per word on r_1..r_S, which nothing predicts: log(number of words) at best.
        loss_second: nats per word on r_2..r_S of the second copy; not on r_1, which nothing
            announces.
    """

    loss_first: float
    loss_second: float
    prefix_matching: Float[Tensor, "layers heads"]
    previous_token: Float[Tensor, "layers heads"]


@torch.no_grad()
def measure(model: TransformerBridge, tokens: Int[Tensor, "batch 2*S+1"]) -> Measured:
    """Score every head on repeated sequences (`toy.repeated` makes them)."""
    length = (tokens.shape[1] - 1) // 2
    second = torch.arange(length + 1, 2 * length + 1, device=tokens.device)
    inner = torch.arange(2, 2 * length + 1, device=tokens.device)
    # A toy's patterns are small: they can all be kept.
    logits, cache = model.run_with_cache(
        tokens, names_filter=lambda name: name.endswith("attn.hook_pattern")
    )
    patterns = [cache["pattern", layer] for layer in range(model.cfg.n_layers)]
    prefix = [pattern[:, :, second, second - length + 1].mean((0, 2)) for pattern in patterns]
    previous = [pattern[:, :, inner, inner - 1].mean((0, 2)) for pattern in patterns]
    nats = torch.nn.functional.cross_entropy(
        logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none"
    )
    return Measured(
        loss_first=float(nats[:, :length].mean()),
        loss_second=float(nats[:, length + 1 :].mean()),
        prefix_matching=torch.stack(prefix).float().cpu(),
        previous_token=torch.stack(previous).float().cpu(),
    )
