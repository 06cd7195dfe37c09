"""Ablations of chosen heads equal plain hooks, at chosen places, on any metric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.analysis.attribution import ablate_heads
from circuit_widgets.analysis.attribution.ablate import Settings
from circuit_widgets.causal.random_heads import matched_sets
from circuit_widgets.heads import Head
from circuit_widgets.statistics.intervals import further_draw, ratio_interval
from tests import tiny
from tests.circuits import Circuit, build

PROMPTS = [tiny.ids(8, seed=seed)[0].tolist() for seed in range(4)]


def naive(
    model: Any, heads: list[tuple[int, int]], by: str, places: list[int] | None, read: Any
) -> torch.Tensor:
    """The fall of a number of each prompt, with TransformerLens' own hooks, one prompt a pass."""
    z: dict[int, torch.Tensor] = {}
    ids = torch.tensor(PROMPTS)

    def keep(layer: int) -> Any:
        return lambda tensor, hook: z.__setitem__(layer, tensor.clone())

    with torch.no_grad():
        layers = range(len(model.blocks))
        hooks = [(f"blocks.{layer}.attn.hook_z", keep(layer)) for layer in layers]
        clean = read(model.run_with_hooks(ids, fwd_hooks=hooks))
        falls = []
        for row in range(len(ids)):
            others = [at for at in range(len(ids)) if at != row]

            def put(layer: int, row: int = row, others: list[int] = others) -> Any:
                def hook(tensor: torch.Tensor, hook: Any) -> torch.Tensor:
                    for at, head in heads:
                        if at != layer:
                            continue
                        new = {
                            "mean": z[layer][others, :, head].mean(0),
                            "resample": z[layer][(row + 1) % len(ids), :, head],
                            "zero": torch.zeros_like(z[layer][0, :, head]),
                        }[by]
                        where = range(tensor.shape[1]) if places is None else places
                        for place in where:
                            tensor[:, place, head] = new[place]
                    return tensor

                return hook

            first = sorted({layer for layer, _ in heads})
            hooks = [(f"blocks.{layer}.attn.hook_z", put(layer)) for layer in first]
            after = read(model.run_with_hooks(ids[row : row + 1], fwd_hooks=hooks))
            falls.append(clean[row] - after[0])
    return torch.stack(falls)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox", "gemma"])
@pytest.mark.parametrize("by", ["mean", "resample", "zero"])
def test_it_equals_plain_hooks(name: str, by: str) -> None:
    model = tiny.make(name)
    places = [2, 5, 7]

    def logp(logits: torch.Tensor) -> torch.Tensor:
        return logits[:, -1].log_softmax(-1)[:, 9]

    def difference(logits: torch.Tensor) -> torch.Tensor:
        return logits[:, -2, 9] - logits[:, -2, 4]

    found = ablate_heads(model, PROMPTS, ["1.2", "0.1"], target=9, by=by, progress=False)
    known = naive(model, [(1, 2)], by, None, logp)
    torch.testing.assert_close(found.effect.value[1, 2], known.mean(), atol=1e-5, rtol=1e-4)
    together = ablate_heads(
        model,
        PROMPTS,
        ["1.2", "0.1"],
        target=(9, 4),
        position=-2,
        by=by,
        positions=[2, 5, -1],
        together=True,
        progress=False,
    )
    both = naive(model, [(0, 1), (1, 2)], by, places, difference)
    torch.testing.assert_close(together.effect.value, both.mean(), atol=1e-5, rtol=1e-4)


def test_a_metric_of_ones_own_and_all_heads() -> None:
    model = tiny.make("llama")

    def entropy(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        p = logits[:, -1].softmax(-1)
        return (p * p.log()).sum(-1)

    result = ablate_heads(model, PROMPTS, metric=entropy, progress=False)
    assert bool(result.effect.value.isfinite().all()) and result.metric == "entropy"
    control = result.effect.control
    assert control is not None
    # A head is compared with the others of its layer.
    others = [result.effect.value[1, at] for at in (0, 1, 3)]
    torch.testing.assert_close(control[1, 2], torch.stack(others).mean())


def test_the_planted_heads_and_no_others() -> None:
    model = build(Circuit(2, 4, (0, 1), (1, 2)))
    prompts = [[1, 5, 7, 9, 1, 5, 7], [2, 6, 8, 4, 2, 6, 8], [3, 9, 5, 1, 3, 9, 5]]
    result = ablate_heads(model, prompts, target=[9, 4, 1], progress=False)
    strong = {name for name, value, *_ in result.highest(8) if value > 1}
    assert strong == {"0.1", "1.2"}
    for name, value, *_ in result.highest(8):
        assert name in strong or abs(value) < 1e-3


def test_corrupt_prompts_make_shares() -> None:
    model = build(Circuit(2, 4, (0, 1), (1, 2)))
    prompts = [[1, 5, 7, 9, 1, 5, 7], [2, 6, 8, 4, 2, 6, 8], [3, 9, 5, 1, 3, 9, 5]]
    # Without the repeat the head looks at all six tokens alike, one of which is the target: of 12
    # logits 2 are left there, and none without the head.
    corrupt = [[1, 5, 11, 9, 1, 5, 7], [2, 6, 12, 4, 2, 6, 8], [3, 9, 13, 1, 3, 9, 5]]
    targets = [(9, 20), (4, 20), (1, 20)]
    result = ablate_heads(
        model, prompts, ["1.2", "1.3"], target=targets, corrupt=corrupt, progress=False
    )
    assert result.share is not None
    assert float(result.share.value[1, 2]) == pytest.approx(12 / (12 - 2), abs=1e-3)
    assert float(result.share.value[1, 3]) == pytest.approx(0, abs=0.01)
    same = ablate_heads(model, prompts, ["1.2"], target=targets, corrupt=prompts, progress=False)
    assert same.share is not None and bool(same.share.value[1, 2].isnan())


def test_ratios_of_means_cover() -> None:
    generator = torch.Generator().manual_seed(0)
    inside = 0
    for _ in range(400):
        wholes = 3 + torch.randn(8, generator=generator)
        parts = 0.4 * wholes + 0.5 * torch.randn(8, generator=generator)
        _, low, high = ratio_interval(parts, wholes, 0.95)
        inside += int(bool(low < 0.4 < high))
    assert 0.92 < inside / 400 < 0.98


def test_controls_are_distinct_matched_and_free_of_the_heads_in_question() -> None:
    heads = [Head(0, 1), Head(1, 2), Head(1, 3)]
    sets = matched_sets((2, 6), heads, 8, seed=3)
    assert len(set(sets)) == 8
    for each in sets:
        assert sorted(head.layer for head in each) == [0, 1, 1]
        assert not {*each} & {*heads} and len({*each}) == 3
    # Four heads a layer, three of them in question: one set is left, and no two to compare.
    assert len(matched_sets((1, 4), [Head(0, 0)], 8, 0, [Head(0, 1), Head(0, 2)])) == 1
    model = tiny.make("gpt2")
    few = ablate_heads(model, PROMPTS, ["1.0", "1.1", "1.2"], together=True, progress=False)
    assert few.effect.control_low is not None and bool(few.effect.control_low.isnan())


def test_order_and_number_of_what_was_asked_do_not_matter() -> None:
    model = tiny.make("llama")
    one = ablate_heads(model, PROMPTS, ["1.2", "0.3"], progress=False)
    other = ablate_heads(model, PROMPTS, ["0.3", "1.2"], batch=3, progress=False)
    torch.testing.assert_close(one.effect.value, other.effect.value, equal_nan=True)
    alone = ablate_heads(model, PROMPTS, "1.2", progress=False)
    every = ablate_heads(model, PROMPTS, progress=False)
    for name in ("value", "control", "control_low", "extreme_low", "extreme_high"):
        for result in (alone, every):
            torch.testing.assert_close(
                getattr(result.effect, name)[1, 2], getattr(one.effect, name)[1, 2]
            )


def test_what_stands_out_is_corrected_for_all_heads_of_the_model() -> None:
    model = build(Circuit(2, 6, (0, 1), (1, 2)))
    some = [[1, 5, 7, 9], [2, 6, 8, 4], [3, 9, 5, 1], [9, 2, 4, 6], [8, 3, 1, 2], [7, 4, 6, 3]]
    prompts, targets = [each + each[:3] for each in some], [each[3] for each in some]
    result = ablate_heads(model, prompts, target=targets, progress=False)
    assert {*result.standing_out()} == {"0.1", "1.2"}
    assert "corrected for all 12 heads of the model" in repr(result)
    control = torch.tensor([float(result.effect.value[1, at]) for at in (0, 1, 3, 4, 5)])
    _, low, high = further_draw(control, 1 - 0.05 / 12)
    assert result.effect.extreme_low is not None and result.effect.extreme_high is not None
    torch.testing.assert_close(result.effect.extreme_low[1, 2], low, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(result.effect.extreme_high[1, 2], high, atol=1e-5, rtol=1e-4)
    both = ablate_heads(
        model, prompts, ["0.1", "1.2"], target=targets, together=True, progress=False
    )
    # One set is one question.
    assert both.effect.extreme_low is not None
    torch.testing.assert_close(both.effect.extreme_low, both.effect.control_low)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"heads": "9.1"}, "there is no head 9.1"),
        ({"heads": []}, "there are no heads"),
        ({"by": "median"}, "by is 'median'"),
        ({"together": True}, "together takes the heads by name"),
        ({"positions": [40]}, "positions is 40"),
        ({"corrupt": [[1, 2, 3]]}, "its corrupt one 3"),
        ({"metric": 3}, "metric is 3"),
        ({"target": 4, "metric": len}, "pass one of them"),
        ({"controls": 1}, "controls is 1"),
    ],
)
def test_what_is_wrong_is_said(asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ablate_heads(tiny.make("gpt2"), PROMPTS, **asked)


def test_prompts_of_their_own_length_cannot_be_resampled() -> None:
    with pytest.raises(ValueError, match="only one prompt has 3 tokens"):
        ablate_heads(tiny.make("gpt2"), [[1, 2, 3], [4, 5, 6, 7]], by="resample")


def test_it_saves_and_its_frame_says_what_was_measured(tmp_path: Any) -> None:
    result = cw.ablate_heads(
        cw.load_model(),
        ["blue dog seven blue dog", "cat red river cat red"],
        ["0.1", "1.2"],
        target=["seven", "river"],
        progress=False,
    )
    result.save(tmp_path / "a")
    assert cw.load(tmp_path / "a") == result
    frame = result.to_frame()
    assert list(frame["name"]) == ["0.1", "1.2"] and set(frame["metric"]) == {"logp"}
    assert "it falls by, without" in repr(result)


@pytest.mark.parametrize("target", [[(9, 4), (4, 9), (3, 5), (1, 2)], [9, 4, 3, 1], None])
def test_provenance_makes_the_run_again(target: Any, tmp_path: Path) -> None:
    model = tiny.make("llama")
    corrupt = [prompt[::-1] for prompt in PROMPTS]
    first = ablate_heads(
        model, PROMPTS, ["1.2", "0.1"], target=target, position=-2, corrupt=corrupt, progress=False
    )
    first.save(tmp_path / "first.safetensors")
    known = cw.load(tmp_path / "first.safetensors").provenance.settings(Settings)
    assert known == first.provenance.settings(Settings)
    again = ablate_heads(
        model,
        known.prompts,
        known.heads,
        target=known.target and list(known.target),
        position=-1 if known.position is None else known.position,
        corrupt=known.corrupt,
        progress=False,
    )
    assert again.provenance.parameters == first.provenance.parameters
    torch.testing.assert_close(again.effect.value, first.effect.value, equal_nan=True)
