"""Circuits found by pruning: where edges are known, and beside scores that are made once."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.analysis.circuits.curve import log_area
from circuit_widgets.causal.pruning import Pruning
from tests.analysis.test_circuits_generated import SOME, made
from tests.generated.truth import auroc

QUICK = {"random": 2, "check": 0, "minimality": False, "progress": False}


def test_it_finds_the_true_edges_as_well_as_slopes_on_the_inputs() -> None:
    ours, inputs = [], []
    for family, seed in SOME[::2]:
        each = made(family, seed)
        pruning = Pruning(each.model, each.nodes, each.task, 5, "resample", 16)
        assert sum(1 for _ in pruning.run()) == pruning.n_steps
        # Ranks begin with 0, which is no score.
        ours.append(auroc(pruning.strength + 1, each.true))
        inputs.append(auroc(each.scores("eap-ig-inputs"), each.true))
    assert statistics.mean(ours) >= statistics.mean(inputs) - 0.01 and min(ours) > 0.8


def test_small_circuits_of_the_toy_do_more_of_the_task(tmp_path: Path) -> None:
    model = cw.load_model()
    task = cw.Task.repeated_tokens(model, n=12, length=8)
    found = cw.extract_circuit(model, task, method="pruning", size=9, **QUICK)
    inputs = cw.extract_circuit(model, task, size=9, **QUICK)
    off = [
        log_area(torch.tensor(each.sizes).float(), (1 - each.faithfulness.value).abs())
        for each in (found, inputs)
    ]
    assert off[0] < off[1]
    assert found.kept[found.chosen].sum() <= 9
    for smaller, larger in zip(found.kept, found.kept[1:], strict=False):
        assert not bool((smaller & ~larger).any())
    assert found.score.value.isfinite().equal(found.nodes.allowed)
    assert found.provenance.method.startswith("edges pruned size by size")
    found.save(tmp_path / "circuit.safetensors")
    assert cw.load(tmp_path / "circuit.safetensors") == found
    assert len(found.to_frame()) == found.sizes[found.chosen]
    assert found.view() is not None


def test_what_it_does_not_take_is_a_sentence() -> None:
    model = cw.load_model()
    task = cw.Task.repeated_tokens(model, n=4)
    for changes, sentence in (
        ({"threshold": 0.1}, "chooses edges by size, not by their scores"),
        ({"by_position": True}, "takes edges away at all positions at once"),
        ({"direction": "denoising"}, "accepted with 'denoising'"),
    ):
        with pytest.raises(ValueError, match=sentence):
            cw.extract_circuit(model, task, method="pruning", **changes, **QUICK)
