"""Composition and the unembedding: naive recomputation, planted circuits, TransformerLens."""

from __future__ import annotations

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.weights.composition import MODES, composition
from circuit_widgets.weights.heads import head_weights
from circuit_widgets.weights.unembedding import Unembedding
from tests import tiny
from tests.circuits import Circuit, build


@pytest.fixture(params=list(tiny.MAKERS))
def model(request):
    return tiny.make(request.param)


def products(w, mode: str) -> tuple[torch.Tensor, torch.Tensor]:
    """A of every head and B of every head, as whole matrices."""
    ov = w.v @ w.o
    qk = w.q @ w.k.transpose(1, 2)
    return ov, {"q": qk, "k": qk.transpose(1, 2), "v": ov}[mode]


@pytest.mark.parametrize("mode", MODES)
def test_composition_is_the_norm_of_the_product(model, mode: str) -> None:
    got = composition(model, mode)
    d = model.cfg.d_model
    generator = torch.Generator().manual_seed(0)
    turns = [torch.linalg.qr(torch.randn(d, d, generator=generator))[0] for _ in range(400)]
    for one in range(tiny.N_LAYERS):
        for other in range(tiny.N_LAYERS):
            if one >= other:
                assert got.value[one, :, other].isnan().all()
                continue
            a, _ = products(head_weights(model, one), mode)
            _, b = products(head_weights(model, other), mode)
            sizes = a.flatten(1).norm(dim=1)[:, None] * b.flatten(1).norm(dim=1)
            naive = (a[:, None] @ b[None]).flatten(2).norm(dim=2) / sizes
            torch.testing.assert_close(got.value[one, :, other], naive, rtol=1e-4, atol=1e-5)
    turned = torch.stack([(a[0] @ turn @ b[1]).norm() ** 2 for turn in turns])
    z = ((a[0] @ b[1]).norm() ** 2 - turned.mean()) / turned.std()
    layers = (tiny.N_LAYERS - 2, tiny.N_LAYERS - 1)
    a, _ = products(head_weights(model, layers[0]), mode)
    _, b = products(head_weights(model, layers[1]), mode)
    turned = torch.stack([(a[0] @ turn @ b[1]).norm() ** 2 for turn in turns])
    z = ((a[0] @ b[1]).norm() ** 2 - turned.mean()) / turned.std()
    assert float(got.z[layers[0], 0, layers[1], 1]) == pytest.approx(float(z), abs=0.5, rel=0.15)


def test_composition_of_stored_weights_is_transformerlens() -> None:
    toy = cw.load_model()
    for mode in MODES:
        theirs = toy.all_composition_scores(mode.upper()).detach()
        ours = composition(toy, mode, fold=False).value
        torch.testing.assert_close(ours[0, :, 1], theirs[0, :, 1], rtol=1e-4, atol=1e-4)


def test_composition_between_some_layers_is_that_part_of_all(model) -> None:
    whole, part = composition(model, "k"), composition(model, "k", between=({0}, {2}))
    assert torch.equal(part.z[0, :, 2], whole.z[0, :, 2])
    assert part.z.isfinite().sum() == tiny.N_HEADS**2
    with pytest.raises(ValueError, match="accepted are 'q', 'k' and 'v'"):
        composition(model, "o")


def test_planted_composition_is_k_and_nothing_else() -> None:
    found = {m: composition(build(Circuit(3, 4, (0, 2), (2, 1))), m).value for m in MODES}
    assert found["k"].nan_to_num(0).nonzero().tolist() == [[0, 2, 2, 1]]
    assert found["q"].nan_to_num(0).count_nonzero() == found["v"].nan_to_num(0).count_nonzero() == 0
    # Heads without weights have no composition: missing, not zero.
    assert found["k"][1, 0, 2, 1].isnan()


def test_directions_give_the_models_own_logits(model) -> None:
    ids = tiny.ids(6)
    last = capture.Keep("resid_post", {tiny.N_LAYERS - 1})
    logits = capture.run(model, ids, [last])[0].float()
    stream = last.tensors[tiny.N_LAYERS - 1][0].float()
    unembedding = Unembedding(model)
    vocabulary = torch.arange(tiny.N_VOCAB)
    got = stream / unembedding.norm.scale(stream) @ unembedding.directions(vocabulary).T
    # What does not depend on the stream: the norm's and the unembedding's biases.
    wanted = logits - logits.mean(-1, keepdim=True)
    torch.testing.assert_close(got - got[:1], wanted - wanted[:1], rtol=1e-3, atol=2e-3)
