"""A path between two heads, against editing the model by hand."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.causal.paths import path_patch
from circuit_widgets.heads import Head
from tests import tiny
from tests.circuits import Circuit, build


def test_resuming_is_the_same_run(model) -> None:
    ids = tiny.ids(7, batch=2)
    inputs = capture.BlockInputs()
    logits = capture.run(model, ids, [inputs])
    for layer in range(tiny.N_LAYERS):
        assert torch.allclose(capture.resume(model, inputs, layer), logits, atol=1e-6)
    # Variants on the batch axis, each row beside the run's own.
    stream = inputs.stream(1)
    both = capture.resume(model, inputs, 1, torch.cat([stream, stream * 1.01]))
    assert torch.allclose(both[:2], logits, atol=1e-5) and not torch.allclose(both[2:], logits)
    with pytest.raises(ValueError, match="the stream has shape"):
        capture.resume(model, inputs, 1, stream[:, :3])


def test_replay_shows_any_site_of_a_block(model) -> None:
    ids = tiny.ids(7, batch=2)
    inputs, sites = capture.BlockInputs(), ["q", "z", "attn_out"]
    keeps = [capture.Keep(site) for site in sites]
    capture.run(model, ids, [inputs, *keeps])
    seen = capture.replay(model, inputs, 1, sites)
    for keep in keeps:
        assert torch.equal(seen[keep.site], keep.tensors[1])


@pytest.mark.parametrize("through", [("q",), ("k",), ("v",), ("q", "k", "v")])
def test_a_path_is_what_the_receiver_alone_hears(model, through) -> None:
    """Neighbouring layers: recomputed from the receiver's inputs, made by hand."""
    ids = tiny.ids(7, batch=2)
    sender, receiver = Head(0, 1), Head(1, 2)
    inputs, z = capture.BlockInputs(), capture.Keep("z", {0, 1})
    logits = capture.run(model, ids, [inputs, z])
    other = z.tensors[0][:, :, sender.index].flip(0)
    patched = path_patch(model, inputs, sender, other, receiver, through)
    assert patched.shape == logits.shape and not torch.allclose(patched, logits)
    # The sender's write changes what every head of layer 1 hears; only the receiver's z is taken.
    swapped = z.tensors[0].clone()
    swapped[:, :, sender.index] = other
    changed = capture.patch("z", {0: swapped})
    out, out2 = capture.Keep("attn_out", {0}), capture.Keep("attn_out", {0})
    capture.run(model, ids, [out])
    capture.run(model, ids, [out2], [changed])
    stream = inputs.stream(1) + out2.tensors[0] - out.tensors[0]
    heard = capture.replay(model, inputs, 1, ["q", "k", "v"], stream)
    clean = capture.replay(model, inputs, 1, ["q", "k", "v"])
    mixed = {name: (heard if name in through else clean)[name] for name in ("q", "k", "v")}
    edits = [capture.patch(name, {1: tensor}) for name, tensor in mixed.items()]
    z1 = capture.replay(model, inputs, 1, ["z"], interventions=edits)["z"]
    whole = z.tensors[1].clone()
    whole[:, :, receiver.index] = z1[:, :, receiver.index]
    by_hand = capture.run(model, ids, interventions=[capture.patch("z", {1: whole})])
    assert torch.allclose(patched, by_hand, atol=1e-5)


def test_a_planted_pair_speaks_through_keys_alone() -> None:
    circuit = Circuit(3, 4, previous=(0, 2), induction=(2, 1), others=(((1, 0), "current"),))
    model = build(circuit).eval()
    ids = torch.tensor([[3, 7, 9, 4, 3, 7, 9, 4]])
    inputs, z = capture.BlockInputs(), capture.Keep("z")
    logits = capture.run(model, ids, [inputs, z])
    silent = torch.zeros_like(z.tensors[0][:, :, 0])
    sender, receiver = Head(0, 2), Head(2, 1)

    def change(sender: Head, receiver: Head, through: tuple[str, ...]) -> float:
        patched = path_patch(model, inputs, sender, silent, receiver, through)
        return float((patched - logits).abs().max())

    assert change(sender, receiver, ("k",)) > 1
    assert change(sender, receiver, ("q",)) == change(sender, receiver, ("v",)) == 0
    assert change(Head(0, 1), receiver, ("q", "k", "v")) == 0
    assert change(Head(1, 0), receiver, ("k",)) == 0


def test_bad_paths(native) -> None:
    ids = tiny.ids(5)
    inputs, z = capture.BlockInputs(), capture.Keep("z")
    capture.run(native, ids, [inputs, z])
    said = z.tensors[1][:, :, 0]
    with pytest.raises(ValueError, match="earlier layer"):
        path_patch(native, inputs, Head(1, 0), said, Head(1, 1))
    with pytest.raises(ValueError, match="accepted are some of 'q', 'k' and 'v'"):
        path_patch(native, inputs, Head(0, 0), said, Head(1, 1), ("o",))
    with pytest.raises(ValueError, match="z of the sender has shape"):
        path_patch(native, inputs, Head(0, 0), said[:, :2], Head(1, 1))
