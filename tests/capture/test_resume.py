"""Going on at a layer: the run's logits on every model, whatever comes after its last block."""

from __future__ import annotations

import pytest
import torch
import transformers

from circuit_widgets import capture
from circuit_widgets.capture import resuming
from tests import tiny

LIKE = {**tiny._LLAMA_LIKE, "num_key_value_heads": 2}
# What they do after their last block, or to what their layers write.
OTHERS = {
    "granite divides its logits": lambda: transformers.GraniteConfig(
        **LIKE, logits_scaling=8.0, residual_multiplier=0.3, embedding_multiplier=6.0
    ),
    "cohere multiplies them": lambda: transformers.CohereConfig(**LIKE, logit_scale=0.25),
    "gemma 2 caps them": lambda: transformers.Gemma2Config(
        **LIKE, head_dim=8, final_logit_softcapping=2.0
    ),
    "gemma 3 norms after attention": lambda: transformers.Gemma3TextConfig(**LIKE, head_dim=8),
    "olmo 2 norms after attention": lambda: transformers.Olmo2Config(**LIKE),
    "phi has a bias after its head": lambda: transformers.PhiConfig(**tiny._LLAMA_LIKE),
    "opt learns positions": lambda: transformers.OPTConfig(
        num_hidden_layers=3,
        num_attention_heads=4,
        hidden_size=32,
        word_embed_proj_dim=32,
        ffn_dim=48,
        vocab_size=tiny.N_VOCAB,
        max_position_embeddings=tiny.N_CONTEXT,
    ),
}


def _model(name):
    return tiny.make(name) if name in tiny.MAKERS else tiny.of_config(OTHERS[name]())


@pytest.fixture(params=[*tiny.MAKERS, *OTHERS])
def run(request):
    model, inputs = _model(request.param), capture.BlockInputs()
    ids = tiny.ids(batch=2)
    return model, inputs, capture.run(model, ids, [inputs])


def test_it_comes_to_the_runs_logits_and_computes_no_layer_before(run) -> None:
    model, inputs, logits = run
    capture.resume(model, inputs, 1)  # compares once
    for layer in range(3):
        with capture.counting(model) as passes:
            resumed = capture.resume(model, inputs, layer)
        torch.testing.assert_close(resumed, logits, rtol=1e-4, atol=1e-4)
        assert passes.blocks == 3 - layer
        assert passes.forwards == (layer == 0)


def test_an_ablation_is_that_of_a_whole_run(run) -> None:
    model, inputs, _ = run
    edit = capture.ablate("1.2", by="zero")
    expected = capture.run(model, tiny.ids(batch=2), [], [edit])
    resumed = capture.resume(model, inputs, 1, interventions=[edit])
    torch.testing.assert_close(resumed, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["llama", "gpt2", "native"])
def test_a_model_that_cannot_be_resumed_runs_whole(name, monkeypatch) -> None:
    model, inputs = tiny.make(name), capture.BlockInputs()
    before = capture.ablate("0.1", by="zero")
    capture.run(model, tiny.ids(batch=2), [inputs], [before])
    stream = torch.cat([inputs.stream(1), 2 * inputs.stream(1)])
    edit = capture.ablate("2.2", by="zero")
    expected = [
        capture.resume(model, inputs, 1, given, interventions=[edit]) for given in (None, stream)
    ]
    monkeypatch.setitem(resuming._found, model, None)
    with capture.counting(model) as passes:
        whole = [
            capture.resume(model, inputs, 1, given, interventions=[edit])
            for given in (None, stream)
        ]
    assert (passes.forwards, passes.blocks) == (2, 6)
    for one, other in zip(whole, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_a_pass_that_hides_something_from_its_blocks_is_found_out() -> None:
    model = tiny.make("llama")
    inner = model.original_model.model
    first, last = inner.layers[0], inner.layers[-1]
    said = {}
    first.register_forward_pre_hook(lambda _, args: said.update(mean=args[0].mean()))
    first.register_forward_hook(lambda *_: said.update(done=said.pop("mean", 0.0)))
    last.register_forward_hook(lambda _, __, out: out + 100 * said["done"])
    inputs, ids = capture.BlockInputs(), tiny.ids()
    logits = capture.run(model, ids, [inputs])
    changed = capture.resume(model, inputs, 2)
    torch.testing.assert_close(changed, logits, rtol=1e-4, atol=1e-4)


def test_it_leaves_nothing_behind_when_a_layer_fails() -> None:
    model, inputs = tiny.make("llama"), capture.BlockInputs()
    logits = capture.run(model, tiny.ids(), [inputs])

    class Breaks:
        site = "z"
        layers = frozenset({2})

        def see(self, layer, tensor):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        capture.resume(model, inputs, 2, reducers=[Breaks()])
    assert not any("forward" in block.__dict__ for block in model.blocks)
    torch.testing.assert_close(capture.run(model, tiny.ids()), logits)
