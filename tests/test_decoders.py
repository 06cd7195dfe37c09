"""The decoders that differ most, of those of the table (benchmarks/decoders.py, docs/decoders.md).

Every analysis is a recomputation on transformers' own model with plain hooks, or says why not.
"""

from __future__ import annotations

import functools
from unittest import mock

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.analysis.flow.contributions import traced
from circuit_widgets.analysis.induction import pairs
from circuit_widgets.models import check_model
from circuit_widgets.weights import head_weights
from tests import decoders, tiny
from tests.exactness import CHECKS, verdict
from tests.plain import Plain

# Why each is here; all but the first two have analyses that were wrong or refused once.
HERE = {
    "mixtral": "a mixture of experts",
    "starcoder2": "one key/value head for all",
    "deepseek_v3": "latent attention: z is shown in other heads, q, k and v with heads first",
    "gemma2": "a sliding window, soft caps, norms after attention",
    "gpt_neo": "attention that transformers computes, local in every other layer",
    "gpt_oss": "a sink in the softmax",
    "granite": "logits and what layers write are scaled",
    "xglm": "attention that transformers computes, heads and rows on one axis",
}
# One analysis on decoders whose heads or layers do something else, and what it comes to.
APART = {
    ("afmoe", "flow"): "exact",  # a gate for each number of a head
    ("laguna", "flow"): "exact",  # a gate for each head
    ("bitnet", "flow"): "exact",  # a norm over all heads
    ("granitemoehybrid", "flow"): "exact",  # what a layer adds besides attention is no module's
    ("falcon_h1", "flow"): "refused: routes cannot be traced in this architecture: what stands "
    "after layer 0 has something in it besides attention that comes from other positions",
    ("openai-gpt", "flow"): "refused: routes cannot be traced in this architecture: it normalises",
}


@functools.cache
def _pair(kind: str):
    return tiny.wrap(decoders.build(kind)), Plain(decoders.build(kind))


@pytest.mark.parametrize("kind", HERE)
@pytest.mark.parametrize("name", CHECKS)
def test_an_analysis_is_exact_or_says_why_not(kind, name) -> None:
    assert verdict(name, *_pair(kind)) == "exact"


@pytest.mark.parametrize(("kind", "name"), APART)
def test_what_heads_and_layers_do_besides_is_held_or_named(kind, name) -> None:
    model, plain = tiny.wrap(decoders.build(kind)), Plain(decoders.build(kind))
    assert verdict(name, model, plain).startswith(APART[kind, name])


@pytest.mark.parametrize("n", [2, 3])
def test_what_comes_from_other_positions_is_seen_in_the_shortest_text(n) -> None:
    model = tiny.wrap(decoders.build("falcon_h1"))
    with pytest.raises(RuntimeError, match="besides attention that comes from other positions"):
        traced(model, tiny.ids(n)[0])


def test_heads_of_several_widths_have_weights_and_shares() -> None:
    model = tiny.wrap(decoders.build("gemma4_text"))
    # Of the last layers' heads each has 512 numbers by default.
    widths = [head_weights(model, layer).o.shape[1] for layer in range(decoders.N_LAYERS)]
    assert widths == [8, 512]
    assert verdict("attribution", model, Plain(decoders.build("gemma4_text"))) == "exact"


def test_latent_attention_has_weights_before_it_has_run_and_without_a_latent_query() -> None:
    """What is for rotary positions alone is left out, which the warning says."""
    straight = {**decoders._OWN["deepseek_v3"], "q_lora_rank": None}
    with mock.patch.dict(decoders._OWN, deepseek_v3=straight):
        model, plain = _pair.__wrapped__("deepseek_v3")
    assert head_weights(model, 0).q.shape == (4, 32, 8)
    assert verdict("weights", model, plain) == "exact"
    with pytest.warns(UserWarning, match="without the numbers that are theirs for rotary"):
        pairs._composed(model, ([0], [1]))


def _with_a_sink():
    """GPT-2 whose heads attend to position 0, though there is no BOS: its queries' biases look for
    what the embedding of that position gives the keys."""
    model, width = decoders.build("gpt2"), decoders.WIDTH
    with torch.no_grad():
        model.transformer.wpe.weight[0] *= 20
        for block in model.transformer.h:
            streams = model.transformer.wte.weight + model.transformer.wpe.weight[3]
            streams = torch.cat([model.transformer.wpe.weight[:1], streams])
            keys = block.attn.c_attn(block.ln_1(streams))[:, width : 2 * width]
            keys = keys.unflatten(1, (decoders.N_HEADS, -1))
            apart = keys[0] - keys[1:].mean(0)
            sought = 24 * keys.shape[2] ** 0.5 * apart / apart.square().sum(1, keepdim=True)
            block.attn.c_attn.bias[:width] = sought.flatten()
    return model


@functools.cache
def _sink_pair():
    return tiny.wrap(_with_a_sink()), Plain(_with_a_sink())


@pytest.mark.parametrize("name", CHECKS)
def test_a_sink_at_position_0_without_a_bos(name) -> None:
    model, plain = _sink_pair()
    plain.logits(tiny.ids(8))
    to_first = torch.stack([pattern[0, :, 1:, 0].mean() for pattern in plain.patterns])
    assert float(to_first.min()) > 0.5
    assert verdict(name, model, plain) == "exact"


@pytest.mark.parametrize("name", ["reading", "ablation", "knockout", "coordination", "influence"])
def test_a_wrong_number_is_seen(name) -> None:
    model, plain = tiny.wrap(decoders.build("mixtral")), Plain(decoders.build("mixtral"))
    with torch.no_grad():
        plain.projections[1].weight.mul_(1.01)
    assert verdict(name, model, plain).startswith("wrong by")


def test_latent_attention_has_the_heads_that_it_has() -> None:
    model, _ = _pair("deepseek_v3")
    keep = [capture.Keep(site) for site in ("q", "k", "v", "z")]
    capture.run(model, tiny.ids(6), keep)
    assert [list(each.tensors[0].shape) for each in keep] == [
        [1, 6, 4, 12],
        [1, 6, 4, 12],
        [1, 6, 4, 8],
        [1, 6, 4, 8],
    ]


def test_as_many_positions_as_heads_are_not_mistaken_for_them() -> None:
    model, _ = _pair("deepseek_v3")
    long, short = ([capture.Keep(site) for site in ("q", "k", "v", "z")] for _ in range(2))
    capture.run(model, tiny.ids(6), long)
    capture.run(model, tiny.ids(6)[:, : decoders.N_HEADS], short)
    for one, other in zip(long, short, strict=True):
        torch.testing.assert_close(one.tensors[1][:, : decoders.N_HEADS], other.tensors[1])


def test_a_mixture_of_heads_is_refused() -> None:
    with pytest.raises(ValueError, match="heads that are no fixed set, so that none has an output"):
        check_model(tiny.wrap(decoders.build("jetmoe")))
