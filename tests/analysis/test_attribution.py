"""Shares of a logit: they sum to it, equal a naive frozen norm, and find the planted head."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.analysis.attribution import LogitAttribution, attribute_logits
from circuit_widgets.analysis.attribution.attribute import Settings
from circuit_widgets.analysis.attribution.chance import raised, random_tokens
from circuit_widgets.analysis.induction import copying
from circuit_widgets.prompts.targets import Target, token_id
from circuit_widgets.statistics.intervals import all_within
from circuit_widgets.weights import WeightsMissing
from tests import decoders, tiny
from tests.circuits import Circuit, build

_GROUPED: dict[str, Any] = {**tiny._LLAMA_LIKE, "num_key_value_heads": 2}
CONFIGS = {
    "gemma2": lambda: transformers.Gemma2Config(
        **_GROUPED, head_dim=8, sliding_window=4, final_logit_softcapping=2.0
    ),
    "olmo2": lambda: transformers.Olmo2Config(**_GROUPED),
    "granite": lambda: transformers.GraniteConfig(
        **_GROUPED, residual_multiplier=0.3, logits_scaling=4.0, embedding_multiplier=2.0
    ),
    "cohere": lambda: transformers.CohereConfig(**_GROUPED),
}
MODELS = {
    **tiny.MAKERS,
    "gptoss": tiny.gptoss,
    "gptj": tiny.gptj,
    **{name: lambda name=name: tiny.of_config(CONFIGS[name]()) for name in CONFIGS},
}


def summed(result: LogitAttribution) -> float:
    parts = result.heads.value.sum() + result.mlps.value.sum()
    return float(parts + result.embedding.value + result.biases.value)


@pytest.mark.parametrize("name", MODELS)
def test_shares_sum_to_the_logit(name: str) -> None:
    model = MODELS[name]()
    ids = tiny.ids(9)
    logits = capture.run(model, ids)[0, 5].float()
    if name == "gemma2":  # Before the cap.
        logits = 2 * (logits.double() / 2).atanh().float()
    single = attribute_logits(model, ids[0].tolist(), 5, 7, progress=False)
    assert summed(single) == pytest.approx(float(logits[7] - logits.mean()), abs=2e-3)
    assert summed(single) == pytest.approx(float(single.logit.value), abs=1e-4)
    pair = attribute_logits(model, ids[0].tolist(), 5, (7, 11), progress=False)
    assert summed(pair) == pytest.approx(float(logits[7] - logits[11]), abs=2e-3)
    assert pair.capped == (name == "gemma2")


def test_a_model_without_mlps_has_none_in_its_table() -> None:
    result = attribute_logits(cw.load_model(), "blue dog seven blue dog", progress=False)
    assert not any(part.kind == "mlp" for part in result.parts())
    assert "MLP" not in repr(result)
    result.plot()


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_head_s_share_is_that_of_a_frozen_norm(name: str) -> None:
    """Transformers' own norm with its size held, with and without the head."""
    model = tiny.make(name)
    ids = tiny.ids(9)
    keep, z = capture.Keep("resid_post", {2}), capture.Keep("z", {1})
    capture.run(model, ids, [keep, z], logits=False)
    stream = keep.tensors[2][0, -1]
    write = z.tensors[1][0, -1, 2] @ model.blocks[1].attn.W_O[2]
    norm: Any = model.ln_final.original_component
    centre = name == "gpt2"

    def read(vector: torch.Tensor) -> torch.Tensor:
        spread = stream - stream.mean() if centre else stream
        eps = norm.eps if centre else norm.variance_epsilon
        size = (spread.square().mean() + eps).sqrt()
        inner = (vector - vector.mean() if centre else vector) / size * norm.weight
        logits = inner @ model.W_U
        return logits - logits.mean()

    with torch.no_grad():
        naive = read(write)
    result = attribute_logits(model, ids[0].tolist(), -1, 40, progress=False)
    assert float(result.heads.value[1, 2]) == pytest.approx(float(naive[40]), abs=1e-5)


def test_the_planted_head_has_the_share_and_others_none() -> None:
    circuit = Circuit(2, 3, (0, 1), (1, 2))
    model = build(circuit)
    ids = [1, 5, 7, 9, 11, 5]
    result = attribute_logits(model, ids, -1, 7, progress=False)
    # The induction head copies token 7 with all of its gain; every other head writes elsewhere.
    name, share, _, high = result.highest(1)[0]
    assert name == "1.2" and share > 10 > high
    others = result.heads.value.clone()
    others[1, 2] = 0
    assert float(others.abs().max()) < 1e-4
    against = attribute_logits(model, ids, -1, (7, 9), progress=False)
    assert float(against.heads.value[1, 2]) == pytest.approx(circuit.gain, abs=1e-2)


def test_many_prompts_are_means_with_an_interval_over_them() -> None:
    model = tiny.make("llama")
    prompts = [tiny.ids(n, seed=n)[0].tolist() for n in (6, 8, 8, 7)]
    targets = [3, 4, 5, 6]
    one = [
        attribute_logits(model, prompt, -1, target, progress=False)
        for prompt, target in zip(prompts, targets, strict=True)
    ]
    many = attribute_logits(model, prompts, -1, targets, batch=2, progress=False)
    heads = torch.stack([result.heads.value for result in one])
    torch.testing.assert_close(many.heads.value, heads.mean(0), atol=1e-5, rtol=1e-4)
    assert many.n_prompts == 4 and many.heads.low is not None
    assert bool((many.heads.low < many.heads.value).all())
    assert one[0].heads.low is not None and bool(one[0].heads.low.isnan().all())
    # The order of the prompts is no matter.
    turned = attribute_logits(model, prompts[::-1], -1, targets[::-1], batch=3, progress=False)
    torch.testing.assert_close(turned.heads.value, many.heads.value, atol=1e-5, rtol=1e-4)


def test_a_random_target_is_inside_of_the_null_as_often_as_it_says() -> None:
    """The null is exchangeable with a token that nobody chose: each part, and all at once."""
    model = tiny.make("gpt2")
    ids = tiny.ids(9)[0].tolist()
    outside, out_at_once = [], []
    drawn = torch.randperm(tiny.N_VOCAB, generator=torch.Generator().manual_seed(0)).tolist()
    for target, against in zip(drawn[:40], drawn[40:80], strict=True):
        for asked in (target, (target, against)):
            result = attribute_logits(model, ids, -1, asked, progress=False)
            heads = result.heads
            assert heads.control_low is not None and heads.control_high is not None
            out = (heads.value < heads.control_low) | (heads.value > heads.control_high)
            outside.append(out.float().mean())
            out_at_once.append(bool(result.standing_out()))
    assert 0.02 < float(torch.stack(outside).mean()) < 0.09
    # Of 80 results, where 40 would have a bold part by each part's interval.
    assert sum(out_at_once) <= 8


def test_a_target_taken_for_its_logit_is_held_against_tokens_taken_so() -> None:
    """Parts that know nothing: of the likeliest token each adds more than to a random one."""
    n_vocab, found, plain = 2000, 0, 0
    for seed in range(100):
        generator = torch.Generator().manual_seed(seed)
        # A large part and four small ones.
        sizes = torch.tensor([4.0, 1.0, 1.0, 1.0, 1.0])[:, None]
        shares = sizes * torch.randn(5, n_vocab, generator=generator)
        best = int(shares.sum(0).argmax())
        others = random_tokens(Target(best), 256, n_vocab, seed)[0]
        null = {"parts": shares[None, :, others]}
        logit = shares.sum(0)[None, others]
        for likeliest in (True, False):
            of = raised(null, logit, torch.tensor([likeliest]), n_vocab, seed)["parts"][0]
            low, high = all_within(of, 0.95)
            out = bool(((shares[:, best] < low) | (shares[:, best] > high)).any())
            found, plain = found + (out and likeliest), plain + (out and not likeliest)
    assert found <= 11 and plain > 60


def test_a_target_that_was_named_was_not_taken_for_its_logit() -> None:
    model = cw.load_model()
    taken, named = (
        attribute_logits(model, "blue dog seven blue dog", target=target, progress=False)
        for target in (None, "seven")
    )
    assert taken.targets == named.targets and (taken.n_likeliest, named.n_likeliest) == (1, 0)
    torch.testing.assert_close(named.heads.value, taken.heads.value)
    assert "would be by chance" in repr(taken) and "would be by chance" not in repr(named)
    assert "* beyond the largest of 10 parts for 95 % of random tokens: 1.3" in repr(named)


def test_what_it_is_compared_with_does_not_depend_on_the_other_prompts() -> None:
    model = tiny.make("llama")
    prompts = [tiny.ids(8, seed=n)[0].tolist() for n in range(3)]
    targets = [3, 4, 3]
    alone = [
        attribute_logits(model, prompt, -1, target, progress=False)
        for prompt, target in zip(prompts, targets, strict=True)
    ]
    both = attribute_logits(model, prompts, -1, targets, progress=False)
    turned = attribute_logits(model, prompts[::-1], -1, targets[::-1], batch=1, progress=False)
    for name in ("control", "extreme_low", "extreme_high"):
        one, other = getattr(both.heads, name), getattr(turned.heads, name)
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
    means = sum(result.heads.control for result in alone if result.heads.control is not None) / 3
    torch.testing.assert_close(both.heads.control, means, atol=1e-5, rtol=1e-4)
    assert both.standing_out() == turned.standing_out()


def test_the_default_target_is_what_follows_and_at_the_end_the_likeliest() -> None:
    model = cw.load_model()
    inside = attribute_logits(model, "blue dog seven blue dog", 2, progress=False)
    assert inside.targets == ("seven",)
    last = attribute_logits(model, "blue dog seven blue dog", progress=False)
    assert last.targets == ("seven",) and last.position == 5


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"target": ("dog", "dog")}, "holds 'dog' against itself"),
        ({"target": ("dog", "blue", "seven")}, "the target is 3 tokens"),
        ({"target": [3, 4, 5]}, "there are 3 targets and 1 prompts"),
        ({"position": 40}, "position is 40"),
        ({"controls": 3}, "controls is 3"),
        ({"target": "dog blue"}, "is 2 tokens"),
    ],
)
def test_what_is_wrong_is_said(asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        attribute_logits(cw.load_model(), "blue dog seven", **asked)


def test_pairs_and_single_targets_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="some targets are pairs and some are not"):
        attribute_logits(cw.load_model(), ["blue dog", "dog blue"], target=[3, (3, 4)])


def test_it_saves_and_its_frame_has_every_part(tmp_path: Any) -> None:
    result = attribute_logits(cw.load_model(), "blue dog seven blue dog", progress=False)
    result.save(tmp_path / "shares.safetensors")
    again = cw.load(tmp_path / "shares.safetensors")
    assert again == result
    asked = again.provenance.settings(Settings)
    assert asked.target == (None,) and result.target_ids[0].id == token_id(cw.load_model(), "seven")
    assert asked.prompts == (result.ids,) and asked.position == (result.position,)
    frame = result.to_frame()
    assert len(frame) == 2 * 4 + 2
    kinds = frame.groupby("kind")["value"].sum()
    assert float(kinds.sum()) == pytest.approx(float(result.logit.value), abs=1e-4)
    assert "it is the sum of" in repr(result)


def test_a_stream_that_is_no_sum_has_no_shares_and_the_explorer_says_so() -> None:
    """GPT-1 normalises the stream itself after each part."""
    model = tiny.wrap(decoders.build("openai-gpt"))
    ids = tiny.ids(6)[0].tolist()
    with pytest.raises(RuntimeError, match="no part stays what it was when it was added"):
        attribute_logits(model, ids, target=7, progress=False)
    explorer = cw.explore(model, ids, probe=False)
    shown = next(score for score in explorer.scores["scores"] if score["name"] == "attribution")
    assert "Missing here: this architecture normalises" in shown["about"]
    assert bool(explorer._session.reading.shares.score.value.isnan().all())
    explorer.close()


def test_weights_that_belong_to_no_head_leave_copying_missing(monkeypatch) -> None:
    """Scores, ablations and paths are there, what is read of the weights is not."""

    def none(*_: object, **__: object) -> None:
        raise WeightsMissing("W_V of layer 1 cannot be read")

    monkeypatch.setattr(copying, "head_weights", none)
    model = cw.load_model()
    with pytest.warns(UserWarning, match="copying by weights is missing: W_V"):
        found = cw.identify_induction_heads(model, n_sequences=2, length=6, progress=False)
    assert found.copying is not None and bool(found.copying.value.isnan().all())
    assert found.copying_tokens is not None
    assert bool(found.copying_tokens.value.isfinite().all())
    assert bool(found.prefix_matching.value.isfinite().all())


def test_one_pass_is_all_it_takes() -> None:
    model = cw.load_model()
    with capture.counting(model) as passes:
        attribute_logits(model, "blue dog seven blue dog", progress=False)
    assert passes.forwards == 1


@pytest.mark.smollm2
def test_the_name_mover_of_smollm2_is_found(smollm2) -> None:
    prompt = "When Mary and John went to the store, John gave a drink to"
    result = attribute_logits(smollm2, prompt, target=(" Mary", " John"), progress=False)
    logits = capture.run(smollm2, smollm2.to_tokens(prompt))[0, -1].float()
    mary, john = (token_id(smollm2, name) for name in (" Mary", " John"))
    assert summed(result) == pytest.approx(float(logits[mary] - logits[john]), abs=5e-3)
    # Of 302 parts six are outside of what 95 % of random pairs get, and one is beyond all.
    assert result.highest(1)[0][0] == "23.3" and result.standing_out() == ["23.3"]
