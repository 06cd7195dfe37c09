"""Planted faults do what they say, computed again with changed weights or by loops."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.causal.faults import KINDS
from circuit_widgets.causal.paths import path_patch
from circuit_widgets.heads import Head
from tests import tiny

MODELS = ["gpt2", "llama", "neox", "gemma", "native", "native_gqa"]
LAYER, HEAD = 1, 2
AT = f"{LAYER}.{HEAD}"
KEYS = {"llama": 2, "gemma": 1, "native_gqa": 2}
IDS = tiny.ids(9, batch=2)


@pytest.fixture(params=MODELS)
def name(request) -> str:
    return request.param


def rows_of(name: str, entry: str, head: int, d_head: int) -> slice:
    group = 4 // KEYS.get(name, 4)
    at = head // group if entry in "kv" else head
    return slice(at * d_head, (at + 1) * d_head)


class Weights:
    """The weights of one layer's heads, of a copy of the model that can be spoilt."""

    def __init__(self, name: str) -> None:
        self.model = tiny.make(name)
        self._name, self._attn = name, self.model.blocks[LAYER].attn
        self.d_head = int(self.model.cfg.d_head)

    def of(self, entry: str, head: int = HEAD) -> list[Tensor]:
        """Rows of W (and of the bias) that make a head's q, k or v, or read its z."""
        inner: Any = getattr(self._attn, entry).original_component
        rows = rows_of(self._name, entry, head, self.d_head)
        weight = inner.weight.data
        if entry == "o":
            return [weight[:, rows].T if isinstance(inner, torch.nn.Linear) else weight[rows]]
        return [weight[rows], *([] if inner.bias is None else [inner.bias.data[rows]])]

    def times(self, entry: str, factor: float) -> Weights:
        for part in self.of(entry):
            part *= factor
        return self

    def mix(self, mine: str, theirs: str, share: float, other: int = HEAD) -> list[Tensor]:
        return [
            torch.lerp(own, new, share)
            for own, new in zip(self.of(mine), self.of(theirs, other), strict=True)
        ]

    def put(self, entry: str, values: list[Tensor]) -> None:
        for own, new in zip(self.of(entry), values, strict=True):
            own.copy_(new)

    @property
    def logits(self) -> Tensor:
        return capture.run(self.model, IDS)


def under(name: str, kind: str, strength: float | None = None, **options: Any) -> Tensor:
    model = tiny.make(name)
    clean = capture.run(model, IDS)
    before = copy.deepcopy(model.state_dict())
    with cw.inject_fault(model, kind, AT, strength, **options) as fault:
        assert Head(LAYER, HEAD) in fault.heads
        logits = capture.run(model, IDS)
        with torch.no_grad():
            same(model(IDS), logits)
        assert any(str(fault) in each for each in capture.foreign_hooks(model))
    assert not capture.foreign_hooks(model) and not any(
        p.fwd_hooks for p in model.hook_dict.values()
    )
    assert torch.equal(capture.run(model, IDS), clean)
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])
    assert not torch.allclose(logits, clean, atol=1e-3)
    return logits


def same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=2e-5 * float(other.abs().max()), rtol=1e-4)


@pytest.mark.parametrize("strength", [1.0, 0.3])
@pytest.mark.parametrize("entry", ["q", "k", "v"])
def test_zeroed_projections(name: str, entry: str, strength: float) -> None:
    same(under(name, f"zero_{entry}", strength), Weights(name).times(entry, 1 - strength).logits)


@pytest.mark.parametrize(("kind", "factor"), [("sharpen", 20.0), ("flatten", 1 / 20)])
def test_longer_queries(name: str, kind: str, factor: float) -> None:
    same(under(name, kind), Weights(name).times("q", factor).logits)


def test_the_scale_dropped(name: str) -> None:
    weights = Weights(name)
    same(under(name, "drop_scale"), weights.times("q", math.sqrt(weights.d_head)).logits)


@pytest.mark.parametrize("strength", [1.0, 0.3])
def test_queries_and_keys_swapped(name: str, strength: float) -> None:
    weights = Weights(name)
    q, k = weights.mix("q", "k", strength), weights.mix("k", "q", strength)
    weights.put("q", q)
    weights.put("k", k)
    same(under(name, "swap_qk", strength), weights.logits)


def test_output_rows_permuted(name: str) -> None:
    logits = under(name, "permute_o", seed=3)
    assert torch.equal(logits, under(name, "permute_o", seed=3))
    model = tiny.make(name)
    z, faulty = capture.Keep("z", {LAYER}), capture.Keep("z", {LAYER})
    capture.run(model, IDS, [z])
    with cw.inject_fault(model, "permute_o", AT, seed=3):
        capture.run(model, IDS, [faulty])
    own, moved = (keep.tensors[LAYER][:, :, HEAD] for keep in (z, faulty))
    assert torch.equal(own.sort(-1).values, moved.sort(-1).values)
    assert not bool((own == moved).any())


@pytest.mark.parametrize("factor", [10.0, 0.0])
def test_writes_scaled(name: str, factor: float) -> None:
    same(under(name, "scale_write", factor), Weights(name).times("o", factor).logits)


@pytest.mark.parametrize(("other", "strength"), [(3, 1.0), (0, 0.4)])
def test_heads_tied(name: str, other: int, strength: float) -> None:
    weights = Weights(name)
    for entry in "qkv":
        weights.put(entry, weights.mix(entry, entry, strength, other))
    same(under(name, "tie", strength, other=f"{LAYER}.{other}"), weights.logits)


def attention(name: str, kind: str, **options: Any) -> tuple[Tensor, Tensor]:
    """Its attention as it is and under a fault, whose z is what that attention reads."""
    model, kept = tiny.make(name), []
    with cw.inject_fault(model, kind, AT, **options):
        kept = [capture.Keep(site, {LAYER}) for site in ("pattern", "z", "v")]
        capture.run(model, IDS, kept)
    pattern, z, v = (keep.tensors[LAYER] for keep in kept)
    values = v.repeat_interleave(4 // v.shape[2], 2)
    same(z, torch.einsum("bhqk,bkhd->bqhd", pattern, values))
    clean = capture.Keep("pattern", {LAYER})
    capture.run(model, IDS, [clean])
    others = [head for head in range(4) if head != HEAD]
    same(pattern[:, others], clean.tensors[LAYER][:, others])
    return clean.tensors[LAYER][:, HEAD], pattern[:, HEAD]


def test_attention_redirected_shifted_and_cut_off(name: str) -> None:
    for kind, options in (
        ("redirect", {"key": 3, "strength": 0.7}),
        ("shift_positions", {"shift": 2, "strength": 0.7}),
        ("truncate", {"window": 3, "strength": 0.7}),
    ):
        under(name, kind, **options)
        was, found = attention(name, kind, **options)
        expected = was.clone()
        for row in range(len(was)):
            for query in range(9):
                old = was[row, query]
                new = torch.zeros_like(old)
                for key in range(query + 1):
                    if kind == "shift_positions":
                        new[max(0, key - 2)] += old[key]
                    elif kind == "truncate" and key > query - 3:
                        new[key] = old[key] / old[max(0, query - 2) : query + 1].sum()
                if kind == "redirect":
                    new = old.clone() if query < 3 else torch.eye(9)[3]
                expected[row, query] = 0.3 * old + 0.7 * new
        same(found, expected)


def seeing(keep: capture.Keep) -> Any:
    return lambda tensor, hook: keep.see(0, tensor)


def test_a_head_that_sees_the_future(name: str) -> None:
    logits = under(name, "break_causality")
    model, changed = tiny.make(name), IDS.clone()
    changed[:, -1] = (changed[:, -1] + 1) % tiny.N_VOCAB
    with cw.inject_fault(model, "break_causality", AT):
        assert not torch.allclose(capture.run(model, changed)[:, 0], logits[:, 0], atol=1e-3)
    for share in (1.0, 0.2):
        with cw.inject_fault(model, "break_causality", f"0.{HEAD}", share):
            capture.run(model, IDS, [seen := capture.Keep("pattern", {0})])
        weights = seen.tensors[0][:, HEAD]
        free = capture.Keep("pattern", {0})
        if name.startswith("native"):
            whole = tiny.make(name)
            whole.blocks[0].attn.original_component.causal = False
            capture.run(whole, IDS, [free])
        else:
            model.add_hook("blocks.0.attn.hook_pattern", seeing(free))
            with torch.no_grad():
                model(IDS, attention_mask=torch.zeros(2, 1, 9, 9))
            model.reset_hooks()
        later = torch.ones(9, 9).triu(1) * (share - 1) + 1
        expected = free.tensors[0][:, HEAD] * later
        same(weights, expected / expected.sum(-1, keepdim=True))


def test_an_edge_cut(name: str) -> None:
    model, inputs = tiny.make(name), capture.BlockInputs()
    clean = capture.run(model, IDS, [inputs])
    for reader, through in (("2.1.q", ["q"]), ("2.1", ["q", "k", "v"])):
        if reader == "2.1" and name in KEYS:
            continue  # Keys and values of a group are heard by all of it.
        expected = path_patch(
            model, inputs, Head(0, 2), torch.zeros(1, 9, int(model.cfg.d_head)), Head(2, 1), through
        )
        with cw.inject_fault(model, "cut_edge", "0.2", reader=reader) as fault:
            assert fault.heads == (Head(2, 1),)
            logits, kept = capture.run(model, IDS), capture.BlockInputs()
            same(logits, expected)
            assert torch.equal(capture.run(model, IDS, [kept]), logits)
            # A part of the pass, where the writer is in the other part.
            same(capture.resume(model, kept, 1), logits)
            edit = capture.ablate("2.3", by="zero")
            several = kept.stream(2).repeat(2, 1, 1)
            again = capture.resume(model, kept, 2, several, [edit])
            same(again[2:], capture.run(model, IDS, (), [edit]))
            pattern = capture.Keep("pattern", {2})
            capture.run(model, IDS, [pattern])
            same(capture.replay_pattern(model, kept, 2), pattern.tensors[2])
        assert torch.equal(capture.run(model, IDS), clean)


def test_an_edge_between_mlps_and_to_the_output(name: str) -> None:
    model = tiny.make(name)
    kept = [capture.Keep("mlp_out", {0}), capture.Keep("resid_post", {2})]
    clean = capture.run(model, IDS, kept)
    mlp, last = kept[0].tensors[0], kept[1].tensors[2]
    edit = capture.patch("resid_post", {2: last - mlp})
    with cw.inject_fault(model, "cut_edge", "0.mlp", reader="logits"):
        same(capture.run(model, IDS), capture.run(tiny.make(name), IDS, (), [edit]))
    with cw.inject_fault(model, "cut_edge", "embedding", 0.5, reader="1.mlp"):
        half = capture.run(model, IDS)
    with cw.inject_fault(model, "cut_edge", "embedding", reader="1.mlp"):
        whole = capture.run(model, IDS)
    assert not torch.allclose(half, whole, atol=1e-3)
    assert not torch.allclose(half, clean, atol=1e-3)


def test_all_kinds_are_here() -> None:
    tried = {"zero_q", "zero_k", "zero_v", "swap_qk", "sharpen", "flatten", "drop_scale", "tie"}
    tried |= {"permute_o", "scale_write", "break_causality", "cut_edge", "redirect"}
    assert set(KINDS) == tried | {"shift_positions", "truncate"}
