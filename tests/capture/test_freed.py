"""What a pass has seen is freed when it is over, without Python's collector."""

import gc
import weakref

import torch

from circuit_widgets import capture, load_model
from circuit_widgets.capture.read_slopes import read_slopes


def test_what_hooks_have_seen_goes_with_the_pass():
    toy = load_model()
    ids = toy.to_tokens("blue dog blue dog")
    seen: list[weakref.ref[torch.Tensor]] = []

    def metric(logits: torch.Tensor) -> torch.Tensor:
        seen.append(weakref.ref(logits))
        return logits[:, -1, 3]

    patch = torch.zeros(1, 5, 4, 16)
    kept = weakref.ref(patch)
    gc.collect()
    gc.disable()
    try:
        capture.run(toy, ids, interventions=[capture.patch("z", {0: patch})])
        del patch
        got = read_slopes(toy, ids, metric)
        del got
        # A graph of 61 passes over SmolLM2 was 15 GB before the collector looked.
        assert kept() is None
        assert [each() for each in seen] == [None]
    finally:
        gc.enable()
