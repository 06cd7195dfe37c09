"""On a model whose layers have different numbers of heads: the numbers of the masked whole one."""

from __future__ import annotations

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.heads import Head
from circuit_widgets.models.pruned import kept_heads
from circuit_widgets.results.score import Score
from circuit_widgets.weights.composition import composition
from circuit_widgets.weights.heads import head_weights
from tests import tiny

PROMPTS = ["blue dog seven blue dog", "cat seven cat river cat", "two dog two sky two dog"]
GONE = Head(0, 2)


@pytest.fixture(scope="module")
def small():
    return cw.prune_heads(cw.load_model(), [str(GONE)])


@pytest.fixture(scope="module")
def masked():
    """The whole model, whose pruned head writes nothing, whoever runs it."""
    model = cw.load_model()

    def nothing(z, hook):
        z = z.clone()
        z[:, :, GONE.index] = 0
        return z

    model.add_hook(f"blocks.{GONE.layer}.attn.hook_z", nothing)
    return model


def same_where_heads_are(small, of_small: Score, of_masked: Score, *parts: str) -> None:
    """Each number of a head that is left is its own in the whole model; of the others none is."""
    kept = kept_heads(small)
    assert kept is not None
    for part in parts:
        one, other = (score.tensors()[part] for score in (of_small, of_masked))
        for layer, heads in enumerate(kept):
            left, whole = one[layer, : len(heads)], other[layer, list(heads)]
            torch.testing.assert_close(left, whole, atol=1e-5, rtol=0, equal_nan=True)
            assert bool(one[layer, len(heads) :].isnan().all())


def test_attribution(small, masked) -> None:
    one, other = (
        cw.attribute_logits(model, PROMPTS, target=["seven", "seven", "sky"], progress=False)
        for model in (small, masked)
    )
    null = ("control", "control_low", "control_high")
    same_where_heads_are(small, one.heads, other.heads, "value", "low", "high", *null)
    for name in ("embedding", "biases", "logit"):
        torch.testing.assert_close(
            getattr(one, name).value, getattr(other, name).value, atol=1e-5, rtol=0
        )
    names = [part.name for part in one.parts()]
    assert "0.3" not in names and "0.2" in names and not one.missing
    assert [*one.to_frame()["name"]] == names
    whole = sum(float(part.score.value) for part in one.parts())
    assert whole == pytest.approx(float(one.logit.value), abs=1e-4)
    one.plot()
    one.view().close()


def test_patterns(small, masked) -> None:
    one, other = (
        cw.detect_attention_patterns(model, PROMPTS, progress=False) for model in (small, masked)
    )
    for name in one.names:
        same_where_heads_are(small, one.score(name), other.score(name), "value", "low", "high")
    labels = one.labels()
    assert labels[Head(0, 3)] == "missing" and labels[Head(0, 1)] == "diagonal"
    assert bool(one.thumbnail_scale[0, 3].isnan()) and bool(one.thumbnail_scale[0, 2].isfinite())
    # The highest of seven random heads is lower than that of eight.
    assert all(one.nulls[name] < other.nulls[name] for name in one.nulls)
    one.plot()
    one.view().close()
    with pytest.raises(ValueError, match=r"no head 0\.3; layer 0 of this pruned model has 3"):
        cw.detect_attention_pattern(small, 0, 3, PROMPTS[0])


def test_induction(small, masked) -> None:
    one, other = (
        cw.identify_induction_heads(model, n_sequences=8, progress=False)
        for model in (small, masked)
    )
    for name in ("prefix_matching", "previous_token", "duplicate_token", "copying_tokens"):
        same_where_heads_are(small, one.score(name), other.score(name), "value", "low", "high")
    for name in ("copying", "copying_logits", "ablation"):
        same_where_heads_are(small, one.score(name), other.score(name), "value")
    assert one.pairs and other.pairs
    for pair, whole in zip(one.pairs, other.pairs, strict=True):
        assert (pair.previous_token_head, pair.confirmed) == ("0.1", True)
        assert pair.induction_head == whole.induction_head
        assert (pair.path, pair.k_z) == pytest.approx((whole.path, whole.k_z), abs=1e-4)
    one.plot()
    one.view().close()


def test_weights_of_heads_that_read_the_keys_of_their_group() -> None:
    model = tiny.make("llama")
    small = cw.prune_heads(model, ["1.2"])
    assert kept_heads(small) == ((0, 1, 2, 3), (0, 1, 3), (0, 1, 2, 3))
    left, whole = head_weights(small, 1), head_weights(model, 1)
    for name in ("q", "k", "v", "o"):
        torch.testing.assert_close(getattr(left, name), getattr(whole, name)[[0, 1, 3]])
    for mode in ("q", "k", "v"):
        one, other = composition(small, mode), composition(model, mode)
        torch.testing.assert_close(one.value[1, :3, 2], other.value[1, [0, 1, 3], 2])
        torch.testing.assert_close(one.z[0, :, 1, :3], other.z[0, :, 1, [0, 1, 3]])
        assert bool(one.value[1, 3].isnan().all())


def test_the_explorer_shows_heads_that_are_there(small, masked, tmp_path) -> None:
    one, other = (cw.explore(model, PROMPTS[0], probe=False) for model in (small, masked))
    kept = kept_heads(small)
    assert kept is not None
    for layer, heads in enumerate(kept):
        for at, head in enumerate(heads):
            left, whole = one.pattern((layer, at)), other.pattern((layer, head))
            torch.testing.assert_close(left, whole, atol=1e-5, rtol=0)
    scores, expected = (view.reading.scores.scores() for view in (one, other))
    for name, score in scores.items():
        same_where_heads_are(small, score, expected[name], "value")
    store = one.reading.store
    with pytest.raises(LookupError, match=r"there is no head 0\.3: this layer has 3 heads"):
        store.tile(0, 3, store.whole, 16, "max")
    with pytest.raises(ValueError, match=r"no head 0\.3; layer 0 of this pruned model has 3"):
        one.pattern("0.3")
    # A result's own text is live, too, and it cites the model that it is of.
    found = cw.attribute_logits(small, PROMPTS[0], progress=False)
    assert found.provenance.model == "toy-induction pruned to 7 heads"
    found.save(tmp_path / "of-pruned")
    assert cw.load(tmp_path / "of-pruned").provenance.kept == kept
    view = found.view()
    for each in (one, view):
        assert each.runs["all"][0]["kept"] == [list(heads) for heads in kept]
    assert view.reading is not None and view.reading.store.n_tokens == 6
    for each in (one, other, view):
        each.close()
