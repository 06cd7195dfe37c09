"""The roles of heads, on models whose attention is known."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.attention.roles import ROLES, RoleScores, chance_of, role_masses
from circuit_widgets.prompts.repeats import Probe
from tests.circuits import Circuit, build

KINDS = (((0, 2), "duplicate"), ((0, 3), "current"))


def test_each_kind_of_head_has_its_role() -> None:
    model = build(Circuit(2, 4, (0, 1), (1, 2), KINDS))  # type: ignore[arg-type]
    probe = Probe(model, 8, seed=0, prepend_bos=None)
    scores = RoleScores(probe.layout, 2)
    capture.run(model, probe.pairs(3), [scores], logits=False)
    repeating = scores.values()[:, :3].mean(1)
    heads = {
        "prefix_matching": (1, 2),
        "previous_token": (0, 1),
        "duplicate_token": (0, 2),
        "current_token": (0, 3),
    }
    for name, place in heads.items():
        values = repeating[[*ROLES].index(name)]
        assert float(values[place]) == pytest.approx(1, abs=1e-3)
        assert int((values > 0.5).sum()) == 1
    # A head of equal attention has what chance gives.
    for at, (name, chance) in enumerate(chance_of(probe.layout).items()):
        assert name == [*ROLES][at]
        assert float(repeating[at, 1, 0]) == pytest.approx(chance, abs=1e-5)


def test_masses_add_up_to_one() -> None:
    torch.manual_seed(0)
    masses = role_masses(torch.rand(5, 8), torch.rand(10, 8))
    assert masses.shape == (10, 6)
    assert torch.allclose(masses.sum(-1), torch.ones(10))
    assert bool((masses >= 0).all())


def test_a_layer_that_was_not_seen_is_missing() -> None:
    model = build(Circuit(2, 2, (0, 1), (1, 1)))
    probe = Probe(model, 4, seed=0, prepend_bos=None)
    scores = RoleScores(probe.layout, 3)
    capture.run(model, probe.pairs(1), [scores], logits=False)
    assert bool(scores.values()[:, :, 2].isnan().all())
