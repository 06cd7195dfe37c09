"""Models with heads sliced away are the models with these heads ablated."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.causal.nodes import nodes_of
from circuit_widgets.heads import Head
from circuit_widgets.models.pruned import agreeing, kept_heads
from circuit_widgets.models.pruned.prune import layer_sizes
from tests import decoders, tiny

IDS = tiny.ids(9, batch=2)
# One head; two of a group, with its keys; different numbers a layer; every layer alike.
CHOICES = [["1.2"], ["0.0", "0.1"], ["0.0", "2.1", "2.2", "2.3"], ["0.3", "1.1", "2.0"]]
EVEN = ["0.2", "0.3", "1.2", "1.3", "2.2", "2.3"]
MODELS = ["gpt2", "llama", "neox", "gemma", "qwen2", "native", "native_gqa"]


def same(one, other) -> None:
    most = 1e-5 * max(1.0, float(other.abs().max()))
    assert float((one - other).abs().max()) <= most


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("heads", [*CHOICES, EVEN], ids=" ".join)
def test_the_logits_are_those_without_these_heads(name: str, heads: list[str], tmp_path) -> None:
    model = tiny.make(name)
    before = {key: weight.clone() for key, weight in model.state_dict().items()}
    small = cw.prune_heads(model, heads)
    expected = capture.run(model, IDS, (), [capture.ablate(heads, by="zero")])
    same(capture.run(small, IDS), expected)
    with torch.no_grad():
        same(small(IDS), expected)
    for key, weight in model.state_dict().items():
        assert torch.equal(weight, before[key])
    gone = {(int(head[0]), int(head[2])) for head in heads}
    assert kept_heads(small) == tuple(
        tuple(head for head in range(4) if (layer, head) not in gone) for layer in range(3)
    )
    whole, less = cw.model_cost(model), cw.model_cost(small)
    # TransformerLens' own attention has no place where each head could take its group's keys.
    if name != "native_gqa" or heads in (CHOICES[1], EVEN):
        assert less.parameters < whole.parameters and less.bytes < whole.bytes
    assert whole.parameters - less.parameters == (
        whole.attention_parameters - less.attention_parameters
    )
    again = cw.load_model(cw.save_model(small, tmp_path))
    same(capture.run(again, IDS), expected)
    assert layer_sizes(again) == layer_sizes(small)


@pytest.mark.parametrize("name", ["llama", "qwen2", "gemma"])
def test_where_layers_are_alike_it_is_an_ordinary_checkpoint(name: str, tmp_path) -> None:
    config: Any = tiny.make(name).original_model.config
    model = tiny.of_config(config, cw.load_model().tokenizer)
    small = cw.prune_heads(model, EVEN)
    cw.save_model(small, tmp_path)
    plain = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        same(plain(IDS).logits, capture.run(small, IDS))
    assert plain.config.num_attention_heads == 2
    assert kept_heads(cw.load_model(tmp_path)) is None


def test_keys_are_kept_once_where_groups_are_uneven() -> None:
    model = tiny.make("llama")
    small = cw.prune_heads(model, ["1.2"])
    assert layer_sizes(small) == [(4, 2), (3, 2), (4, 2)]
    assert cw.model_cost(small).cache_bytes == cw.model_cost(model).cache_bytes
    smaller = cw.prune_heads(small, ["1.2"])
    assert layer_sizes(smaller) == [(4, 2), (2, 1), (4, 2)]
    assert kept_heads(smaller) == ((0, 1, 2, 3), (0, 1), (0, 1, 2, 3))
    expected = capture.run(model, IDS, (), [capture.ablate(["1.2", "1.3"], by="zero")])
    same(capture.run(smaller, IDS), expected)
    # A cache: the last token after the others is the whole.
    for each in (small, smaller):
        with torch.no_grad():
            whole, cache = each(IDS), transformers.DynamicCache()
            each(IDS[:, :-1], past_key_values=cache, use_cache=True)
            last = each(IDS[:, -1:], past_key_values=cache, use_cache=True)
        same(last[:, -1], whole[:, -1])


def test_where_rounding_grows_layers_are_compared_one_by_one(monkeypatch) -> None:
    model, heads = tiny.make("llama"), [Head(0, 0), Head(0, 1), Head(2, 3)]
    small = cw.prune_heads(model, [*map(str, heads)])
    monkeypatch.setattr(agreeing, "near", lambda *_: False)
    # Logits that are near enough to be looked at, whatever was sliced away.
    monkeypatch.setattr(agreeing, "close", lambda *_: True)
    assert agreeing.Masked(model, heads).is_done_by(small)
    assert not agreeing.Masked(model, [*heads[:2], Head(2, 2)]).is_done_by(small)
    assert not agreeing.Masked(model, []).is_done_by(small)


def test_one_key_head_for_all() -> None:
    for model in (tiny.make("gemma"), tiny.wrap(decoders.build("falcon"))):
        n_layers = len(model.blocks)
        heads = ["0.1", f"{n_layers - 1}.0", f"{n_layers - 1}.3"]
        small = cw.prune_heads(model, heads)
        expected = capture.run(model, IDS, (), [capture.ablate(heads, by="zero")])
        same(capture.run(small, IDS), expected)


def test_what_cannot_be_is_said() -> None:
    model = tiny.make("llama")
    with pytest.raises(ValueError, match=r"layer 1 would have no head left; .* it has 4"):
        cw.prune_heads(model, [f"1.{head}" for head in range(4)])
    with pytest.raises(ValueError, match=r"there is no head 1\.7; accepted are"):
        cw.prune_heads(model, "1.7")
    with pytest.raises(TypeError, match="heads is None"):
        cw.prune_heads(model, None)
    with pytest.raises(ValueError, match="layer 0 would have no head left"):
        cw.prune_heads(tiny.native(n_heads=1, d_head=8, d_model=8), "0.0")
    with pytest.raises(ValueError, match="cannot be sliced away"):
        cw.prune_heads(tiny.wrap(decoders.build("deepseek_v3")), "0.1")


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(ValueError, match="is not empty"):
        cw.save_model(tiny.make("native"), tmp_path)


def test_the_toy_keeps_its_words_and_its_tokenizer(tmp_path) -> None:
    model = cw.load_model()
    small = cw.prune_heads(model, ["0.1", "1.3"])
    again = cw.load_model(cw.save_model(small, tmp_path))
    ids = model.to_tokens("blue dog seven blue dog")
    for each in (small, again):
        assert each.words == model.words
        assert torch.equal(each.to_tokens("blue dog seven blue dog"), ids)
        heads = ["0.1", "1.3"]
        same(
            capture.run(each, ids), capture.run(model, ids, (), [capture.ablate(heads, by="zero")])
        )
    heads = cw.identify_induction_heads(again, n_sequences=2, progress=False)
    assert heads.shape == (2, 3)


def test_analyses_of_an_uneven_model_work_or_say_why_not() -> None:
    small = cw.prune_heads(cw.load_model(), ["0.1"])
    prompts = ["blue dog seven blue dog", "cat seven cat river cat"]
    sentence = "has a grid of layers and heads, and this model has 3, 4 heads in its layers"
    for call in (
        lambda: cw.analyze_head_coordination(small, prompts, progress=False),
        lambda: cw.suggest_circuit_optimizations(small, texts=prompts * 4, progress=False),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()
    task = cw.Task.repeated_tokens(small, n=6, length=6)
    ask = {"random": 1, "check": 4, "allow_failure": True, "progress": False}
    circuit = cw.extract_circuit(small, task, **ask)
    assert circuit.nodes.heads == (3, 4) and circuit.agreement is not None
    circuit.view().close()
    ablated = cw.ablate_heads(small, prompts, progress=False)
    assert bool(ablated.effect.value[0, 3].isnan()) and "0.3" not in ablated.heads
    # What is lost is what the whole model loses without the pruned head, and one more.
    whole = [
        cw.ablate_heads(
            cw.load_model(), prompts, each, together=True, by="zero", progress=False
        ).effect.value
        for each in (["0.1"], ["0.1", "1.2"])
    ]
    one = cw.ablate_heads(small, prompts, "1.2", by="zero", progress=False).effect.value[1, 2]
    assert float(one) == pytest.approx(float(whole[1] - whole[0]), abs=1e-5)
    with pytest.raises(ValueError, match=r"there is no head 0\.3; layer 0 .* has 3 heads"):
        cw.ablate_heads(small, prompts, "0.3")
    ablated.view().close()
    influence = cw.compute_self_influence(small, prompts[0], progress=False)
    assert influence.provenance.complete
    assert [len([s for s in nodes_of(small).sources if s.layer == at]) for at in (0, 1)] == [3, 4]
    with cw.inject_fault(small, "zero_q", "0.2") as fault:
        assert fault.place == "0.2"


@pytest.mark.smollm2
def test_smollm2_without_three_heads(smollm2, tmp_path) -> None:
    heads = ["3.1", "12.8", "25.4"]
    ids = smollm2.to_tokens("When Mary and John went to the store, John gave a drink to")
    small = cw.prune_heads(smollm2, heads)
    expected = capture.run(smollm2, ids, (), [capture.ablate(heads, by="zero")])
    same(capture.run(small, ids), expected)
    assert cw.model_cost(small).cache_bytes == cw.model_cost(smollm2).cache_bytes
    again = cw.load_model(cw.save_model(small, tmp_path))
    same(capture.run(again, ids), expected)
