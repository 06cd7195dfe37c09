"""Gradients of a metric at activations, against finite differences."""

from __future__ import annotations

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.capture.edits import Edit
from tests import tiny


def metric(logits: torch.Tensor) -> torch.Tensor:
    return logits[:, -1, 5] - logits[:, -1, 7]


def test_slopes_are_those_of_finite_differences(model) -> None:
    ids = tiny.ids(7, batch=2)
    with capture.counting(model) as passes:
        found = capture.gradients(model, ids, [("z", None), ("resid_pre", {0})], metric)
    assert passes.forwards == 1
    assert torch.equal(found.metric, metric(capture.run(model, ids)))
    assert set(found.slopes) == {("resid_pre", 0), *(("z", i) for i in range(tiny.N_LAYERS))}
    assert all(parameter.grad is None for parameter in model.parameters())
    for layer in range(tiny.N_LAYERS):
        value, slope = found.values["z", layer], found.slopes["z", layer]
        assert value.shape == slope.shape and not value.requires_grad
        generator = torch.Generator().manual_seed(layer)
        way = torch.randn(value.shape, generator=generator) * 1e-2
        ends = []
        for sign in (1, -1):
            moved = Edit("z", frozenset({layer}), lambda _, z, step=sign * way: z + step)
            ends.append(metric(capture.run(model, ids, interventions=[moved])))
        expected = (ends[0] - ends[1]) / 2
        got = (way * slope).flatten(1).sum(1)
        assert torch.allclose(got, expected, rtol=0.05, atol=2e-4)


def test_hooks_are_gone_after_a_failing_metric(native) -> None:
    def wrong(logits: torch.Tensor) -> torch.Tensor:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        capture.gradients(native, tiny.ids(4), [("z", None)], wrong)
    with pytest.raises(RuntimeError, match="one number a row"):
        capture.gradients(native, tiny.ids(4), [("z", None)], lambda logits: torch.zeros(1))
    with pytest.raises(ValueError, match="no layer 9"):
        capture.gradients(native, tiny.ids(4), [("z", {9})], metric)
    assert not any(point.fwd_hooks for point in native.hook_dict.values())


def test_inference_mode_is_named_as_what_keeps_no_slopes() -> None:
    model = cw.load_model()
    task = cw.Task.repeated_tokens(model, n=4)
    words = r"torch.inference_mode\(\) keeps none; accepted is a call outside it"
    with torch.inference_mode(), pytest.raises(RuntimeError, match=words):
        cw.extract_circuit(model, task, method="eap", progress=False)
