"""compute_self_influence: all replacements instead of draws, and the null of a divergence."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.analysis.influence.compute import compute_self_influence
from circuit_widgets.causal.random_changes import RandomChanges, embeddings
from circuit_widgets.prompts.replacements import all_replacements, weights_of
from tests import tiny
from tests.analysis.test_influence import logits_of, naive, planted
from tests.circuits import Circuit, build


def test_all_replacements_are_weighed_as_the_text_has_them() -> None:
    """The mean over every other token, by its frequency: what ever more draws come to."""
    model, ids = tiny.make("llama"), torch.tensor([7, 3, 3, 9, 7, 5, 3, 9])
    distinct = sorted(set(ids.tolist()))
    put = torch.tensor([[o for o in distinct if o != id] for id in ids.tolist()])
    count = torch.bincount(ids)
    share = count[put] / count[put].sum(1, keepdim=True)
    for pairs in (False, True):
        result = compute_self_influence(model, ids, all_pairs=pairs, progress=False)
        expected = naive(model, ids, put, result.target)
        same: dict[str, Any] = {"atol": 1e-4, "rtol": 1e-3, "equal_nan": True}
        mean = (expected["logp"].T * share).sum(1)
        torch.testing.assert_close(result.logp.value, mean, **same)
        torch.testing.assert_close(result.kl.value, (expected["kl"].T * share).sum(1), **same)
        spread = ((expected["logp"].T - mean[:, None]).square() * share).sum(1).sqrt()
        torch.testing.assert_close(result.logp_spread, spread, **same)
        # Nothing is drawn: no interval, no standard error, no difference by the seed.
        assert result.enumerated and result.n_replacements.tolist() == [3] * 8
        assert result.logp.low is not None and result.logp.low.isnan().all()
        assert result.logp_sem.isnan().all() and result.kl.control is None
        if result.matrix is not None and result.matrix_sem is not None:
            pair = (expected["pairs"] * share.T[..., None]).sum(0)
            torch.testing.assert_close(result.matrix, pair, **same)
            assert result.matrix_sem.isnan().all()
    again = compute_self_influence(model, ids, all_pairs=True, seed=3, progress=False)
    assert torch.equal(again.logp.value, result.logp.value)
    assert "all other tokens of the text (3 at each position)" in repr(result)


def test_a_position_may_have_one_more_replacement() -> None:
    """A token that is none of those put in place has them all; the others one less."""
    weights = torch.zeros(12)
    weights[[4, 6, 8]] = torch.tensor([1.0, 2.0, 1.0])
    put = all_replacements(torch.tensor([0, 4, 9, 6]), weights, first=1)
    assert put.counts.tolist() == [0, 2, 3, 2] and put.every
    assert put.put[0].tolist() == [0, 0, 0] and put.put[2].tolist() == [4, 6, 8]
    assert put.share[2].tolist() == [0.25, 0.5, 0.25]
    assert dict(zip(put.put[3].tolist(), put.share[3].tolist(), strict=True)) == {
        **{4: 0.5, 8: 0.5},
        6: 0.0,
    }


def test_many_different_tokens_are_drawn_from() -> None:
    model = build(Circuit(2, 1, (0, 0), (1, 0), vocabulary=70, context=66))
    for n, draws in ((64, None), (65, 8)):
        result = compute_self_influence(model, range(n), 2, progress=False)
        assert result.enumerated == (draws is None)
        assert set(result.n_replacements[:3].tolist()) == {draws or n - 1}
    assert "8 draws from tokens of the text" in repr(result)


def test_all_replacements_take_no_more_passes_than_eight_draws() -> None:
    model, ids = tiny.make("llama"), tiny.ids(30, seed=4)[0]
    passes = {}
    for draws in (8, None):
        with capture.counting(model) as counted:
            compute_self_influence(model, ids, draws=draws, progress=False)
        passes[draws] = counted.forwards
    assert passes[None] <= passes[8]


@pytest.mark.parametrize("name", ["llama", "native", "gpt2"])
def test_random_changes_are_what_plain_passes_give(name: str) -> None:
    """Each as large as a step to another token, at its position only, through the whole model."""
    model, ids = tiny.make(name), tiny.ids(7, seed=3)[0]
    result = compute_self_influence(model, ids, metric="kl", seed=4, progress=False)
    weights = weights_of(model, ids, None, False)
    put = all_replacements(ids, weights)
    chosen = torch.multinomial(
        put.share, 19, replacement=True, generator=torch.Generator().manual_seed(4)
    )
    tokens = put.put.gather(1, chosen)
    changes = RandomChanges(model, ids, tokens, 4)
    clean, before = logits_of(model, ids)[-1].log_softmax(-1), embeddings(model, ids[None])[0]
    for position in (0, 3, 6):
        changed = changes.at(position)
        steps = embeddings(model, tokens.T)[:, position] - before[position]
        torch.testing.assert_close((changed - before[position]).norm(dim=-1), steps.norm(dim=-1))
        streams = before.repeat(19, 1, 1)
        streams[:, position] = changed
        edit = capture.patch("resid_pre", {0: streams})
        logits = capture.run(model, ids.repeat(19, 1), interventions=[edit])[:, -1].double()
        kl = (clean.exp() * (clean - logits.log_softmax(-1))).sum(-1).float()
        same: dict[str, Any] = {"atol": 1e-4, "rtol": 1e-3}
        assert result.kl.control is not None and result.kl.control_high is not None
        torch.testing.assert_close(result.kl.control[position], kl.mean(), **same)
        torch.testing.assert_close(result.kl.control_high[position], kl.max(), **same)


def test_a_divergence_counts_above_random_changes_only() -> None:
    """In the circuit the tokens that induction needs; where none is read, none."""
    circuit, tokens, truth = planted(5)
    fresh = torch.ones(circuit.vocabulary)
    fresh[tokens] = 0
    result = compute_self_influence(
        build(circuit), tokens, metric="kl", distribution=fresh, progress=False
    )
    found = {position for position, *_ in result.sources()}
    assert found <= truth and len(found) >= 2
    assert "random changes of equal size: at most" in repr(result)
    # A model that reads no token: every divergence is that of a random change.
    model, ids = tiny.make("native"), tiny.ids(20, seed=1)[0]
    with torch.no_grad():
        weight = model.embed.weight
        weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    other = compute_self_influence(model, ids, metric="kl", progress=False)
    assert len(other.sources(20)) <= 4
