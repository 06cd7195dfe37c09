"""What a head writes is what reaches the residual stream, also where attention is normalised."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from circuit_widgets import capture
from circuit_widgets.analysis.coordination.rows import Writes, activations
from circuit_widgets.prompts import Prompts
from circuit_widgets.weights import PartsMissing, composition, writing
from tests import tiny

_GROUPED: dict[str, Any] = {**tiny._LLAMA_LIKE, "num_key_value_heads": 2}
NORMALISED = {
    "gemma2": lambda: transformers.Gemma2Config(**_GROUPED, head_dim=8, sliding_window=4),
    "gemma3": lambda: transformers.Gemma3TextConfig(**_GROUPED, head_dim=8, sliding_window=4),
    "olmo2": lambda: transformers.Olmo2Config(**_GROUPED),
    "glm4": lambda: transformers.Glm4Config(**_GROUPED, head_dim=8),
}


def seen(model: Any, ids: torch.Tensor) -> dict[str, dict[int, torch.Tensor]]:
    sites = ("z", "attn_out", "resid_pre", "resid_mid")
    keeps = {site: capture.Keep(site) for site in sites}
    capture.run(model, ids, list(keeps.values()))
    return {site: keep.tensors for site, keep in keeps.items()}


def gain_of(module: Any) -> torch.Tensor:
    """Of transformers' own norm, by its own formula."""
    weight = module.weight.detach()
    return 1 + weight if "Gemma" in type(module).__name__ else weight


@pytest.mark.parametrize("name", NORMALISED)
def test_a_norm_after_attention_is_held_as_it_was(name: str) -> None:
    model = tiny.of_config(NORMALISED[name]())
    run = seen(model, tiny.ids(9, batch=2))
    for layer in range(tiny.N_LAYERS):
        z, added = run["z"][layer], run["resid_mid"][layer] - run["resid_pre"][layer]
        hugging: Any = model.blocks[layer]._original_component
        norm = (
            hugging.post_self_attn_layernorm
            if name == "glm4"
            else (hugging.post_attention_layernorm)
        )
        norm = getattr(norm, "original_component", norm)
        attention: Any = model.blocks[layer].attn
        given = torch.einsum("bqhi,hid->bqhd", z, attention.W_O.detach())
        whole = given.sum(2) + (0 if attention.b_O is None else attention.b_O)
        eps = getattr(norm, "eps", None) or norm.variance_epsilon
        size = (whole.square().mean(-1, keepdim=True) + eps).sqrt()
        naive = given / size[:, :, None] * gain_of(norm)
        found = writing(model, layer, z, run["attn_out"][layer])
        torch.testing.assert_close(found.of_all(z), naive, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(found.of(z[:, :, 2], 2), naive[:, :, 2], atol=1e-5, rtol=1e-4)
        parts = found.of_all(z).sum(2) + found.constant
        torch.testing.assert_close(parts, added, atol=1e-5, rtol=1e-4)


def test_a_stream_that_is_scaled_gets_scaled_parts() -> None:
    config = transformers.GraniteConfig(**_GROUPED, residual_multiplier=0.3)
    model = tiny.of_config(config)
    run = seen(model, tiny.ids(9))
    found = writing(model, 1, run["z"][1], run["attn_out"][1])
    torch.testing.assert_close(found.factor, torch.full_like(found.factor, 0.3))


@pytest.mark.parametrize("name", tiny.MAKERS)
def test_elsewhere_it_is_z_times_w_o(name: str) -> None:
    model = tiny.make(name)
    run = seen_without_middle(model, tiny.ids(9))
    found = writing(model, 1, run["z"], run["attn_out"])
    assert bool((found.factor == 1).all())
    torch.testing.assert_close(found.of_all(run["z"]).sum(2) + found.constant, run["attn_out"])


def seen_without_middle(model: Any, ids: torch.Tensor) -> dict[str, torch.Tensor]:
    keeps = {site: capture.Keep(site, {1}) for site in ("z", "attn_out")}
    capture.run(model, ids, list(keeps.values()))
    return {site: keep.tensors[1] for site, keep in keeps.items()}


def test_parts_that_are_mixed_before_they_are_added_are_refused() -> None:
    model = tiny.make("llama")
    run = seen_without_middle(model, tiny.ids(9))
    with pytest.raises(PartsMissing, match="the heads of layer 1 do not add up"):
        writing(model, 1, run["z"], run["attn_out"].roll(1, -1))


def test_composition_reads_what_is_written_after_the_norm() -> None:
    """A gain of 0 in every direction that the later head reads leaves nothing to read."""
    model = tiny.of_config(NORMALISED["gemma2"]())
    before = composition(model, "v").value[0, 0, 1, 0]
    norm: Any = model.blocks[0]._original_component.post_attention_layernorm
    gain = torch.full((32,), -1.0)  # Gemma's weight is the gain less 1.
    gain[3] = 0.0
    norm = getattr(norm, "original_component", norm)
    norm.weight.data = gain
    after = composition(model, "v").value[0, :, 1, 0]
    # Every head now writes one direction: what is read of it is the same for all of them.
    torch.testing.assert_close(after, after[:1].expand_as(after), atol=1e-4, rtol=1e-3)
    assert abs(float(before - after[0])) > 1e-3


def test_what_coordination_compares_is_what_is_written() -> None:
    """Linear CKA of what heads add to the stream, by plain hooks and a naive HSIC."""
    model = tiny.of_config(NORMALISED["gemma2"]())
    prompts = [tiny.ids(7, seed=seed)[0].tolist() for seed in range(9)]
    texts = Prompts(model, prompts)
    found = activations(model, texts, [0, 2], batch=4, sized=True)
    compared = Writes(model, [0, 2], found.sizes).of(found.z)
    run = seen(model, torch.tensor(prompts))
    parts = [
        writing(model, layer, run["z"][layer], run["attn_out"][layer]).of_all(run["z"][layer])
        for layer in (0, 2)
    ]
    added = torch.cat(parts, 2).flatten(0, 1)
    # Coordinates have the inner products of what they stand for.
    for head in (1, 6):
        known = added[:, head] @ added[:, head].T
        alike = compared[:, head] @ compared[:, head].T
        torch.testing.assert_close(alike, known, atol=1e-4, rtol=1e-3)
