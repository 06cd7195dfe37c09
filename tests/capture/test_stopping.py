"""Stop ends every kind of pass by itself, after the layer it is in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.capture.stopping import current_stop
from tests import tiny

IDS = tiny.ids(6)
LAYERS = tiny.N_LAYERS


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    token = current_stop.set(event)
    yield event
    current_stop.reset(token)


def passes(model) -> dict[str, Callable[[capture.Intervention], object]]:
    """Every kind of pass, with an intervention; what they need is made before anybody stops."""
    inputs, shared = capture.BlockInputs(), capture.Prefix(model, IDS)
    capture.run(model, IDS, [inputs])

    def mean(logits: torch.Tensor) -> torch.Tensor:
        return logits.mean((1, 2))

    return {
        "run": lambda edit: capture.run(model, IDS, interventions=[edit]),
        "run without logits": lambda edit: capture.run(
            model, IDS, interventions=[edit], logits=False
        ),
        "gradients": lambda edit: capture.gradients(
            model, IDS, [("z", None)], mean, interventions=[edit]
        ),
        "resume": lambda edit: capture.resume(model, inputs, 0, interventions=[edit]),
        "prefix": lambda edit: shared.run(2, IDS[:, 2:], interventions=[edit]),
    }


KINDS = ("run", "run without logits", "gradients", "resume", "prefix")


class Layers:
    """Intervention: changes nothing, says which layers a pass got to, and asks to stop in one."""

    site, layers = "z", None

    def __init__(self, stop: threading.Event, at: int) -> None:
        self.seen: list[int] = []
        self._stop, self._at = stop, at

    def edit(self, layer: int, tensor: torch.Tensor) -> torch.Tensor:
        self.seen.append(layer)
        if layer == self._at:
            self._stop.set()
        return tensor


@pytest.mark.parametrize("kind", KINDS)
def test_stop_ends_a_pass_after_the_layer_it_is_in(model, kind: str, stop) -> None:
    action = passes(model)[kind]
    watch = Layers(stop, at=1)
    with pytest.raises(capture.Stopped):
        action(watch)
    assert watch.seen == [0, 1]
    assert not any(point.fwd_hooks for point in model.hook_dict.values())
    stop.clear()
    watch = Layers(stop, at=99)
    action(watch)
    assert watch.seen == list(range(LAYERS))


def test_a_pass_that_was_stopped_before_does_not_begin(model, stop) -> None:
    inputs = capture.BlockInputs()
    capture.run(model, IDS, [inputs])
    actions = [*passes(model).values(), lambda edit: capture.replay_pattern(model, inputs, 0)]
    stop.set()
    watch = Layers(stop, at=99)
    with capture.counting(model) as counted:
        for action in (*actions, lambda edit: capture.Prefix(model, IDS)):
            with pytest.raises(capture.Stopped):
                action(watch)
    assert watch.seen == [] and (counted.forwards, counted.blocks) == (0, 0)


def test_another_thread_is_not_stopped(model, stop) -> None:
    stop.set()
    found: list[torch.Tensor] = []
    thread = threading.Thread(target=lambda: found.append(capture.run(model, IDS)))
    thread.start()
    thread.join(30)
    assert len(found) == 1
