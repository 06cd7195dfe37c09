"""Direct logit attribution of all components, and ablation of all heads, beside the forward pass.

SmolLM2-135M: 30 layers of 9 heads. Attribution is one pass with what it reads, and the result with
its null, against `model(ids)` without gradients on the same ids, by turns; the last column has the
ratio to a pass that keeps no cache of keys and values, as ours does not. Ablation is heads of
layers 5, 12 and 20 one by one, with two random heads beside each, against as many whole passes of
the batch without a cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from benchmarks.measure import in_turn, table
from circuit_widgets import capture
from circuit_widgets.analysis.attribution import ablate_heads, attribute_logits
from circuit_widgets.models import load_model

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

TEXT = "When Mary and John went to the store, John gave a drink to"
NAMES = [("Mary", "John"), ("Tom", "Anna"), ("James", "Sarah"), ("Peter", "Laura")]


def run() -> str:
    """The section's table."""
    model = load_model("smollm2")
    rows = []
    for repeats in (1, 16):
        ids = model.to_tokens(" ".join([TEXT] * repeats))[0].tolist()
        batch = model.to_tokens(" ".join([TEXT] * repeats))
        taken = in_turn(
            {
                "plain": lambda batch=batch: _plain(model, batch),
                "pass": lambda batch=batch: capture.run(model, batch),
                "shares": lambda ids=ids: attribute_logits(
                    model, ids, target=(504, 1000), progress=False
                ),
            },
            rounds=15,
        )
        ratio, bare = (taken["shares"] / taken[name] for name in ("plain", "pass"))
        what = f"shares of all 302 parts, {len(ids)} tokens"
        rows.append(
            [what, _ms(taken["plain"]), _ms(taken["shares"]), f"{ratio:.2f}", f"{bare:.2f}"]
        )
    texts = [TEXT.replace("Mary", one).replace("John", two) for one, two in NAMES]
    rows_of = [model.to_tokens(text) for text in texts]
    alike = [each for each in rows_of if each.shape == rows_of[0].shape]
    prompts = [each[0].tolist() for each in alike]

    together = torch.cat(alike)
    few = ["5.1", "12.3", "20.0"]
    taken = in_turn(
        {
            "each": lambda: [capture.run(model, together) for _ in few],
            "few": lambda: ablate_heads(
                model, prompts, few, target=504, controls=2, progress=False
            ),
        },
        rounds=5,
    )
    # Each of them with two random heads of its layer, and the run that is kept.
    taken["each"] *= 3 + 1 / len(few)
    taken["all"] = taken.pop("few")
    what = f"9 heads ablated one by one, {len(prompts)} prompts"
    ratio = taken["all"] / taken["each"]
    rows.append([what, _ms(taken["each"]), _ms(taken["all"]), "", f"{ratio:.2f}"])
    return table(["", "plain passes", "ours", "ratio", "to passes without a cache"], rows)


def _plain(model: TransformerBridge, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(ids)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"
