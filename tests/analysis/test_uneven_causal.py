"""Causal questions about a model whose layers have different numbers of heads."""

from __future__ import annotations

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture
from tests.analysis.test_uneven import masked, same_where_heads_are, small

__all__ = ["masked", "small"]
TEXT = "blue dog seven river green blue dog seven river stone dog blue"


def close(one: object, other: object) -> None:
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0, equal_nan=True)


def shown(result) -> None:
    result.plot()
    result.to_frame()
    result.view().close()


def tasks(*models) -> list[cw.Task]:
    return [cw.Task.repeated_tokens(model, n=8) for model in models]


@pytest.mark.parametrize("what", ["heads", "stream", "attention"])
def test_patching(small, masked, what: str) -> None:
    one, other = (
        cw.patch_activations(model, task, what, progress=False)
        for model, task in zip((small, masked), tasks(small, masked), strict=True)
    )
    if what == "heads":
        same_where_heads_are(small, one.effect, other.effect, "value", "low", "high")
        assert bool(one.q[0, 3].isnan()) and (0, 3) not in one.order()
    else:
        close(one.effect.value, other.effect.value)
    shown(one)


def test_both_hops_in_a_text(small, masked) -> None:
    one, other = (cw.trace_induction(model, TEXT, progress=False) for model in (small, masked))
    assert one.heads == other.heads and one.previous == other.previous
    for name in ("attention", "added", "probability", "first_hop", "paths"):
        close(getattr(one, name), getattr(other, name))
    shown(one)


def test_routes_and_knockout(small, masked) -> None:
    one, other = (
        cw.trace_information_flow(model, TEXT, progress=False) for model in (small, masked)
    )
    close(one.routes, other.routes)
    close(one.knockout.value, other.knockout.value)
    paths = [[each.path_text(path) for path in each.key_paths] for each in (one, other)]
    # The whole model's 0.3 is the third head of the pruned one.
    assert paths[0] == [path.replace("0.3", "0.2") for path in paths[1]]
    shown(one)


def test_flow_between_layers(small, masked) -> None:
    one, other = (
        cw.analyze_cross_layer_flow(model, task, progress=False)
        for model, task in zip((small, masked), tasks(small, masked), strict=True)
    )
    close(one.strength.value, other.strength.value)
    close(one.exact, other.exact)
    shown(one)


def test_failures_beside_a_healthy_model(small) -> None:
    healthy = cw.prune_heads(cw.load_model(), ["0.2"])
    with cw.inject_fault(small, "zero_q", "0.1"):
        found = cw.analyze_failures(small, tasks(small)[0], reference=healthy, progress=False)
        assert "types: attention_collapse 16" in str(found)
        assert [problem.component for problem in found.problems[0]] == ["0.1"]
        shown(found)


def test_failures_beside_prompts_that_it_gets_right(small) -> None:
    task = cw.Task.repeated_tokens(small, n=24, length=4)
    with cw.inject_fault(small, "flatten", "0.1", strength=8):
        found = cw.analyze_failures(small, task, progress=False)
        assert 0 < len(found.cases) < 72
        assert not any("0.3" in problem.component for each in found.problems for problem in each)
        shown(found)


@pytest.mark.parametrize("kind", ["break_causality", "tie", "redirect", "zero_k"])
def test_faults_are_planted_in_the_shorter_layer(small, kind: str) -> None:
    ids = small.to_tokens(TEXT)
    keep, beside = capture.Keep("pattern"), capture.Keep("pattern")
    capture.run(small, ids, [beside])
    with cw.inject_fault(small, kind, "0.2"):
        capture.run(small, ids, [keep])
    apart = (keep.tensors[0] - beside.tensors[0]).abs().amax((0, 2, 3))
    assert float(apart[2]) > 0.05 and float(apart[:2].max()) == 0
