"""The one machine for ablation: its means, its effects and its paths, against edits by hand."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.causal.ablation import Ablation, means_of_others
from circuit_widgets.causal.metrics import next_token_logp
from circuit_widgets.causal.paths import path_patch
from circuit_widgets.heads import Head
from tests import tiny

BATCHES = [tiny.ids(7, batch=2, seed=1), tiny.ids(7, seed=2)]
SENDER, RECEIVER = Head(0, 1), Head(2, 3)


def z_of(model, ids):
    keep = capture.Keep("z")
    logits = capture.run(model, ids, [keep])
    return keep.tensors, next_token_logp(logits, ids)


def test_means_are_of_the_other_prompts_at_each_position() -> None:
    one, two = torch.randn(2, 3, 1, 2), torch.randn(1, 3, 1, 2)
    first, second = means_of_others([{0: one}, {0: two}])
    torch.testing.assert_close(first[0][0], (one[1] + two[0]) / 2)
    torch.testing.assert_close(first[0][1], (one[0] + two[0]) / 2)
    torch.testing.assert_close(second[0][0], one.mean(0))


def test_means_of_other_lengths_are_over_all_their_positions() -> None:
    short, long = torch.randn(1, 2, 1, 2), torch.randn(1, 4, 1, 2)
    first, second = means_of_others([{0: short}, {0: long}])
    torch.testing.assert_close(first[0], long.mean(1, keepdim=True).expand_as(short))
    torch.testing.assert_close(second[0], short.mean(1, keepdim=True).expand_as(long))
    # One prompt alone has nothing but itself.
    torch.testing.assert_close(
        means_of_others([{0: long}])[0][0], long.mean(1, keepdim=True).expand_as(long)
    )


def test_effects_are_the_metric_lost_in_whole_edited_runs(model) -> None:
    runs = Ablation(model, BATCHES, next_token_logp)
    ids = torch.cat(BATCHES)
    z, clean = z_of(model, ids)
    torch.testing.assert_close(runs.clean, clean, rtol=1e-4, atol=1e-5)
    means = {layer: (each.sum(0, keepdim=True) - each) / 2 for layer, each in z.items()}
    for heads in ([RECEIVER], [SENDER, RECEIVER]):
        edit = capture.ablate(heads, by=means)
        lost = clean - next_token_logp(capture.run(model, ids, interventions=[edit]), ids)
        torch.testing.assert_close(runs.effect(heads), lost, rtol=1e-3, atol=1e-4)
        assert float(lost.abs().max()) > 100 * runs.rounding


def test_a_path_is_what_the_receiver_alone_hears(model) -> None:
    runs = Ablation(model, BATCHES, next_token_logp, layers=[0, 2])
    ids = torch.cat(BATCHES)
    z, clean = z_of(model, ids)
    mean = ((z[0].sum(0, keepdim=True) - z[0]) / 2)[:, :, SENDER.index]
    inputs = capture.BlockInputs()
    capture.run(model, ids, [inputs])
    lost = clean - next_token_logp(path_patch(model, inputs, SENDER, mean, RECEIVER), ids)
    torch.testing.assert_close(runs.path_effect(SENDER, RECEIVER), lost, rtol=1e-3, atol=1e-4)
    # Attention sums to 1, whatever the receiver hears.
    for change in runs.attention_lost(SENDER, RECEIVER, ("q", "k")):
        assert float(change.abs().max()) > 1e-5
        assert float(change.sum(-1).abs().max()) < 1e-5


def test_a_contribution_is_the_slope_along_the_ablation(model) -> None:
    ids = torch.cat(BATCHES)
    runs = Ablation(model, BATCHES, next_token_logp)
    z = z_of(model, ids)[0][2]
    mean = (z.sum(0, keepdim=True) - z) / 2

    def moved(by: float) -> torch.Tensor:
        edit = capture.ablate(RECEIVER, by={2: z + by * (mean - z)})
        return next_token_logp(capture.run(model, ids, interventions=[edit]), ids)

    slope = (moved(-0.02) - moved(0.02)) / 0.04
    torch.testing.assert_close(runs.contribution(RECEIVER), slope, rtol=2e-2, atol=5e-4)


def test_an_edit_of_a_head_in_a_layer_that_was_not_kept_is_refused(model) -> None:
    runs = Ablation(model, BATCHES, next_token_logp, layers=[2])
    with pytest.raises(ValueError, match="no value for layer 0"):
        runs.effect([SENDER])


def test_estimates_are_path_effects_to_first_order(model) -> None:
    """In the last layer nothing but the metric comes after: close to what patching measures."""
    runs = Ablation(model, BATCHES, next_token_logp)
    estimates = runs.path_estimates(SENDER)
    assert list(estimates) == [1, 2] and estimates[2].shape == (3, 4)
    patched = torch.stack([runs.path_effect(SENDER, Head(2, head)) for head in range(4)], 1)
    assert float(patched.abs().max()) > 100 * runs.rounding
    both = torch.stack([estimates[2].flatten(), patched.flatten()])
    assert float(torch.corrcoef(both)[0, 1]) > 0.9
