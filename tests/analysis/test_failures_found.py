"""Faults that are planted are found, named and fixed; what is healthy is left alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.analysis.failures.against_model import find
from circuit_widgets.analysis.failures.answers import odds
from circuit_widgets.analysis.failures.cases import Asked, asked_of
from circuit_widgets.analysis.failures.deviations import deviations, outliers
from circuit_widgets.analysis.failures.edges import cut_edge_of
from circuit_widgets.analysis.failures.fixes import Part, try_fixes
from circuit_widgets.analysis.failures.looking import checked
from circuit_widgets.analysis.failures.parts import TYPES
from circuit_widgets.analysis.failures.problems import problems_of
from circuit_widgets.analysis.failures.seen import see
from circuit_widgets.analysis.failures.words import sourced
from circuit_widgets.causal.nodes import parts_of
from circuit_widgets.heads import Head
from tests import circuits, tiny

COLLAPSE, INTERRUPTION, ROUTING, OVER = TYPES
KINDS = [
    ("zero_q", {}, COLLAPSE),
    ("flatten", {}, COLLAPSE),
    ("sharpen", {}, COLLAPSE),
    ("drop_scale", {}, COLLAPSE),
    ("zero_v", {}, INTERRUPTION),
    ("permute_o", {}, INTERRUPTION),
    ("scale_write", {}, OVER),
    ("redirect", {"key": 3}, ROUTING),
    ("swap_qk", {}, ROUTING),
    ("break_causality", {}, ROUTING),
]
SETTINGS: dict[str, Any] = {
    **{"naming": "strongest", "most": 3, "controls": 2, "fixes": False, "n_cases": 1},
    **{"n_healthy": 1, "n_transfers": 0, "threshold": 0.05, "batch": 8, "seed": 0},
    "confidence": 0.95,
}


def pair(name: str) -> tuple[Any, Any]:
    return tiny.make(name), tiny.make(name)


def asked_ids(model: Any) -> Asked:
    ids = tiny.ids(10, seed=3)[0].tolist()
    with torch.no_grad():
        best = int(model(torch.tensor([ids]))[0, -1].argmax())
    return Asked("", tuple(ids), tuple(map(str, ids)), False, (best,), ())


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_every_kind_is_found_named_and_fixed(name: str) -> None:
    reference, model = pair(name)
    nodes, asked = parts_of(reference), asked_ids(reference)
    for kind, options, label in KINDS:
        with cw.inject_fault(model, kind, "1.2", **options) as fault:
            found = find(model, reference, nodes, asked, None)
            hit = {str(head) for head in fault.heads}
            out = {str(part) for part, _, q in found.ranked() if q <= 0.05}
            assert out == hit, (kind, out)
            part = Part(1, 2)
            # Where attention is nearly even, that of swapped queries and keys is nearly even too.
            if (name, kind) != ("gpt2", "swap_qk"):
                assert TYPES[int(found.types(part, True)[0].argmax())] == label, kind
            (fixes,) = try_fixes(found.own, found.usual, asked, [part], [part], 2, 0)
            after = {fix.kind: fix.after.metric for fix in fixes}
        if len(hit) == 1:
            wanted = float(odds(see(reference, nodes, torch.tensor([asked.ids])).logits[0], asked))
            assert abs(after["patch"] - wanted) < 1e-3, kind
            if label in (COLLAPSE, ROUTING):
                assert abs(after["redirect"] - wanted) < 1e-3, kind


def test_a_head_that_reads_another_key_has_another_source() -> None:
    """By knockout: the key after the earlier copy in the reference, and what it was sent to."""
    reference, model = cw.load_model(), cw.load_model()
    asked = asked_of(model, cw.Case("blue dog seven cat blue dog", "seven"))
    nodes, head = parts_of(reference), Head(1, 2)
    with cw.inject_fault(model, "redirect", "1.2", key=5):
        found = find(model, reference, nodes, asked, None)
        assert found.sources is not None
        source = found.sources(head)
        (problem,) = problems_of(found, asked, checked(**SETTINGS))[:1]
    assert source.usual == 3 and source.usual_effect > 0.05
    assert source.here == 5
    assert problem.failure_type == ROUTING and problem.source == source
    said = sourced("1.2", source, asked.tokens)
    assert "'blue' (position 5" in said and "'seven' (position 3" in said


def test_a_healthy_copy_has_no_anomaly() -> None:
    reference, model = pair("neox")
    usual = see(reference, parts_of(reference), tiny.ids(10, batch=3))
    own = see(model, parts_of(model), tiny.ids(10, batch=3), given=usual)
    heads, mlps = deviations(own, usual)
    assert not heads.any() and not mlps.any()
    z, z_mlp, q, q_mlp = outliers(heads, mlps, torch.float32)
    assert not z.any() and not z_mlp.any()
    assert bool((q > 0.4).all()) and bool((q_mlp > 0.4).all())


def test_what_was_trained_on_is_not_called_out_of_line() -> None:
    """Between two checkpoints all heads deviate; of eight, the furthest is not far out by that."""
    generator = torch.Generator().manual_seed(0)
    for before, after in ((64, 77), (2081, 2500)):
        reference, model = (cw.load_model(step=step) for step in (before, after))
        for _ in range(5):
            half = 1 + torch.randperm(250, generator=generator)[:7]
            usual = see(reference, parts_of(reference), torch.cat([half, half])[None])
            own = see(model, parts_of(model), usual.inputs.tokens, given=usual)
            heads, mlps = deviations(own, usual)
            _, _, q, _ = outliers(heads, mlps, torch.float32)
            assert bool((heads > 0.03).all()) and float(q.min()) > 0.05


@pytest.mark.parametrize("reader", ["2.1.q", "2.0.v", "2.mlp"])
def test_an_edge_that_is_cut_is_named(reader: str) -> None:
    reference, model = pair("gpt2")
    usual = see(reference, parts_of(reference), tiny.ids(9))
    part = Part.parse(reader if reader.endswith("mlp") else reader.rpartition(".")[0])
    for share in (1.0, 0.4):
        with cw.inject_fault(model, "cut_edge", "0.3", share, reader=reader):
            own = see(model, parts_of(model), tiny.ids(9), given=usual)
        assert cut_edge_of(own, usual, 0, part) == f"0.3 to {reader}"
    with cw.inject_fault(model, "zero_q", "2.1"):
        own = see(model, parts_of(model), tiny.ids(9), given=usual)
    assert cut_edge_of(own, usual, 0, Part(2, 1)) is None


def test_on_a_circuit_the_planted_heads_are_what_fails() -> None:
    circuit = circuits.Circuit(2, 3, previous=(0, 1), induction=(1, 2))
    reference, model = (circuits.build(circuit).eval() for _ in range(2))
    cases = [cw.Case((5, 9, 7, 11, 5, 9), 7), cw.Case((8, 3, 2, 6, 8, 3), 2)]
    for head in ("0.1", "1.2"):
        with cw.inject_fault(model, "zero_q", head):
            found = cw.analyze_failures(model, cases, reference=reference, progress=False)
        for case in range(2):
            (problem,) = found.problem_components(case)
            assert problem.component == head and problem.failure_type == COLLAPSE
            fix = problem.suggested_fix
            assert fix is not None and fix.after.right and abs(fix.recovered - 1) < 1e-3
            assert all(abs(each) < 0.05 for each in fix.control)
        (transfer, *_) = found.transfers
        assert transfer.component == head and transfer.right == transfer.n == 1


def test_what_fails_on_a_head_with_shared_keys_is_the_group() -> None:
    reference, model = pair("llama")
    usual = see(reference, parts_of(reference), tiny.ids(9))
    with cw.inject_fault(model, "zero_k", "1.2") as fault:
        own = see(model, parts_of(model), tiny.ids(9), given=usual)
    z, _, q, _ = outliers(*deviations(own, usual), torch.float32)
    assert {tuple(at) for at in (q[0] < 0.05).nonzero().tolist()} == {(1, 2), (1, 3)}
    assert [str(head) for head in fault.heads] == ["1.2", "1.3"] and bool((z[0, 1, 2:] > 5).all())
