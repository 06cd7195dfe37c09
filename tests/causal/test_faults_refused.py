"""Faults that cannot be planted, with the reason; what an interrupt leaves: nothing."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.causal.faults import KINDS
from circuit_widgets.causal.first_order import FirstOrder
from circuit_widgets.causal.nodes import nodes_of
from circuit_widgets.causal.patching import Patching
from circuit_widgets.causal.paths import path_patch
from circuit_widgets.causal.subgraph import Subgraphs
from circuit_widgets.heads import Head
from tests import decoders, tiny
from tests.capture import test_interrupts
from tests.capture.test_interrupts import WAIT

IDS = tiny.ids(7, batch=2)


@pytest.mark.parametrize(
    ("asked", "options", "error", "sentence"),
    [
        (("zero_qq", "1.2"), {}, ValueError, "kind is 'zero_qq'; did you mean 'zero_q'"),
        (("zero_q", "7.2"), {}, ValueError, "there is no head 7.2; accepted are layers 0 to 2"),
        (("zero_q", "1.9"), {}, ValueError, "there is no head 1.9; accepted are layers 0 to 2, h"),
        (("zero_q", "1.2", 1.5), {}, ValueError, "strength is 1.5; accepted is 0 to 1"),
        (("zero_q", "1.2", 0), {}, ValueError, "strength is 0, which is no fault"),
        (("sharpen", "1.2", 0.5), {}, ValueError, "accepted is a factor above 1"),
        (("scale_write", "1.2", 1), {}, ValueError, "strength is 1, which is no fault"),
        (("scale_write", "1.2", -2), {}, ValueError, "strength is -2"),
        (("zero_q", "1.2"), {"key": 3}, TypeError, "'zero_q' has no option 'key'; it takes none"),
        (("redirect", "1.2"), {"key": -1}, ValueError, "key is -1"),
        (("cut_edge", "0.1"), {}, TypeError, "'cut_edge' needs reader="),
        (("cut_edge", "0.1"), {"reader": "9.1"}, ValueError, "nothing reads as '9.1'"),
        (("cut_edge", "5.1"), {"reader": "1.1"}, ValueError, "nothing writes as '5.1'"),
        (("cut_edge", "2.1"), {"reader": "1.1"}, ValueError, "no edge from 2.1 to 1.1"),
        (("tie", "1.2"), {"other": "0.1"}, ValueError, "another head of layer 1"),
        (("tie", "1.2"), {"other": "1.2"}, ValueError, "another head of layer 1"),
    ],
)
def test_what_is_wrong_is_said(asked, options, error, sentence) -> None:
    model = tiny.make("llama")
    clean = capture.run(model, IDS)
    with pytest.raises(error) as caught, cw.inject_fault(model, *asked, **options):
        pass
    assert sentence in str(caught.value)
    assert torch.equal(capture.run(model, IDS), clean)


def test_one_at_a_time() -> None:
    model = tiny.make("gpt2")
    with cw.inject_fault(model, "zero_q", "1.2"):
        before = capture.run(model, IDS)
        with (
            pytest.raises(RuntimeError, match=r"fault zero_q in 1.2, strength 1 is in the model"),
            cw.inject_fault(model, "zero_k", "1.2"),
        ):
            pass
        assert torch.equal(capture.run(model, IDS), before)
    with cw.inject_fault(model, "zero_k", "1.2"):
        pass


def test_heads_that_share_keys_and_values_are_named() -> None:
    model = tiny.make("llama")
    with cw.inject_fault(model, "zero_k", "1.2") as fault:
        assert fault.heads == (Head(1, 2), Head(1, 3))
        assert str(fault) == "fault zero_k in 1.2 (hits heads 1.2, 1.3), strength 1"
        assert capture.foreign_hooks(model) == (f"blocks.1.attn.k.hook_out ({fault})",) or (
            str(fault) in capture.foreign_hooks(model)[0]
        )
    with cw.inject_fault(model, "zero_q", "1.2") as fault:
        assert fault.heads == (Head(1, 2),)


def test_what_an_architecture_cannot_have_is_refused() -> None:
    bloom = tiny.alibi("bloom")
    with (
        pytest.raises(ValueError, match=r"a bias by distance|cannot be opened"),
        cw.inject_fault(bloom, "break_causality", "1.2"),
    ):
        pass
    assert not capture.foreign_hooks(bloom)
    qwen = tiny.wrap(decoders.build("qwen3"))
    for kind in ("sharpen", "flatten", "drop_scale"):
        with (
            pytest.raises(ValueError, match="normalises its queries"),
            cw.inject_fault(qwen, kind, "1.2"),
        ):
            pass
    with cw.inject_fault(qwen, "zero_q", "1.2"):
        capture.run(qwen, IDS, [seen := capture.Keep("pattern", {1})])
    even = torch.ones(7, 7).tril()
    expected = (even / even.sum(-1, keepdim=True)).expand(2, 7, 7)
    torch.testing.assert_close(seen.tensors[1][:, 2], expected)


def test_attention_that_transformers_computes_fails_too() -> None:
    model = tiny.gptj()
    clean = capture.run(model, IDS)
    with cw.inject_fault(model, "redirect", "1.2", key=1):
        with torch.no_grad():
            plain = model(IDS)
        logits = capture.run(model, IDS)
        torch.testing.assert_close(plain, logits, atol=1e-4, rtol=1e-4)
        assert not torch.allclose(logits, clean, atol=1e-3)
        # A run's own edit of that head has the last word.
        edit = capture.knock_out("1.2", None, None, renormalise=False)
        cut = capture.run(model, IDS, (), [edit])
        assert any("blocks.1.attn (fault redirect" in each for each in capture.foreign_hooks(model))
    torch.testing.assert_close(cut, capture.run(model, IDS, (), [edit]))
    assert torch.equal(capture.run(model, IDS), clean)
    with cw.inject_fault(model, "break_causality", "1.2"):
        assert not torch.allclose(capture.run(model, IDS), clean, atol=1e-3)
    assert torch.equal(capture.run(model, IDS), clean)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_gone_after_an_error_and_after_ctrl_c(kind: str) -> None:
    model = tiny.native(n_layers=2)
    options: dict[str, Any] = {"reader": "1.mlp"} if kind == "cut_edge" else {}
    clean = capture.run(model, IDS)
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), cw.inject_fault(model, kind, "0.1", **options):
            raise error
        assert torch.equal(capture.run(model, IDS), clean)
        assert not any(point.fwd_hooks for point in model.hook_dict.values())
        assert all("forward" not in block.attn.__dict__ for block in model.blocks)


def test_one_interrupt_anywhere_leaves_nothing(monkeypatch) -> None:
    place = sys.modules["circuit_widgets.capture.standing"].__file__
    monkeypatch.setattr(test_interrupts, "FILES", {place})
    model = tiny.native(n_layers=1)
    clean = capture.run(model, IDS)
    edits, futures = [capture.scale("0.1", 0.0)], {0: ([2], 1.0)}

    def action() -> None:
        with capture.standing(model, edits, "a fault", futures):
            capture.run(model, IDS)

    n_moments = test_interrupts.interrupted(action, None)
    assert n_moments > 20
    for at in range(1, n_moments + 1):
        test_interrupts.interrupted(action, at)
        assert torch.equal(capture.run(model, IDS), clean), at
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(capture.run(model, IDS)),  # noqa: B023
            daemon=True,
        )
        thread.start()
        thread.join(WAIT)
        assert len(answers) == 1 and torch.equal(answers[0], clean), at
        with capture.standing(model, edits, "another"):
            pass


def test_analyses_run_under_a_fault_and_name_it() -> None:
    model = cw.load_model()
    prompts = ["blue dog seven blue dog", "cat seven cat river dog"]
    asked = {"n_sequences": 2, "progress": False, "ablation": 0, "pairs": False}
    plain = cw.identify_induction_heads(model, **asked)
    at = int(plain.prefix_matching.value.argmax())
    head = Head(at // 4, at % 4)
    with cw.inject_fault(model, "zero_q", head) as fault:
        found = cw.identify_induction_heads(model, **asked)
        assert str(fault) in found.provenance.hooks[0]
        assert str(fault) in repr(found)
        lost = plain.prefix_matching.value - found.prefix_matching.value
        assert float(lost[head.layer, head.index]) > 0.5
        attributed = cw.attribute_logits(model, prompts, progress=False)
        assert str(fault) in attributed.provenance.hooks[0]
        ablated = cw.ablate_heads(model, prompts, progress=False)
        assert str(fault) in ablated.provenance.hooks[0]
    assert cw.identify_induction_heads(model, **asked).provenance.hooks == ()


@pytest.mark.parametrize("kind", ["scale_write", "swap_qk", "cut_edge", "permute_o"])
def test_the_graph_of_a_faulty_model_is_the_faulty_model(kind: str) -> None:
    model = tiny.make("llama")
    options: dict[str, Any] = {"reader": "1.2.q"} if kind == "cut_edge" else {}
    with cw.inject_fault(model, kind, "0.1", **options):
        nodes = nodes_of(model)
        runs = Subgraphs(model, nodes, IDS, IDS.flip(0))
        torch.testing.assert_close(
            runs.logits(nodes.allowed), capture.run(model, IDS), atol=1e-3, rtol=1e-3
        )


def test_a_cut_edge_has_no_effect_where_edges_are_measured() -> None:
    model, source, target = tiny.make("llama"), "0.1", "1.2.q"
    first, second = tiny.ids(7, seed=1), tiny.ids(7, seed=2)
    nodes = nodes_of(model)
    at = nodes.source_at[source], [each.name for each in nodes.targets].index(target)

    def measure(logits):
        return logits[:, -1, 5]

    def effects() -> list[float]:
        exact = Patching(model, nodes, first, second, measure).edges([at])[0][at]
        eap = FirstOrder(model, nodes, first, second, measure).scores("eap")[0][at]
        inputs = capture.BlockInputs()
        clean = capture.run(model, first, [inputs])
        z = torch.zeros(1, 7, int(model.cfg.d_head))
        path = path_patch(model, inputs, Head(0, 1), z, Head(1, 2), ["q"])
        return [float(exact), float(eap), float((path - clean).abs().max())]

    whole = effects()
    with cw.inject_fault(model, "cut_edge", source, reader=target):
        gone = effects()
    assert all(abs(one) > 1e-3 for one in whole), whole
    assert all(abs(one) < 1e-5 for one in gone), gone
    with cw.inject_fault(model, "cut_edge", source, 0.5, reader=target):
        half = effects()
    assert all(abs(one) > 1e-4 for one in half), half
