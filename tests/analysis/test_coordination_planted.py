"""analyze_head_coordination finds planted pairs and says how they work together."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets import models
from circuit_widgets.analysis.coordination.analyze import analyze_head_coordination
from circuit_widgets.analysis.coordination.judging import judge
from circuit_widgets.analysis.coordination.pairs import type_pairs
from circuit_widgets.analysis.coordination.results import CoordinatedPair
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.metrics import Metric, next_token_logp
from circuit_widgets.heads import Head
from tests.circuits import Circuit, Kind, build


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tiny models: threads that wait for each other would take most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# --- planted pairs ---


@dataclasses.dataclass
class Planted:
    model: TransformerBridge
    prompts: list[list[int]]
    a: Head
    b: Head
    reader: Head | None = None
    metric: Metric | None = None


GAIN = {"serial": 8.0, "aggregation": 8.0, "redundant": 6.0, "parallel": 1.0}


def plant(kind: str, seed: int) -> Planted:
    """A pair of known type at random places, among heads that write a little noise.

    - serial: a previous-token head and an induction head that reads it; prompts that repeat.
    - aggregation: two previous-token heads of which each says half of what one induction head
      reads.
    - redundant: two heads that both say "the same token again", which half of the prompts do; the
      logp of the next token is about as good with one of them. No head reads them.
    - parallel: one says "the same token again", one "the token before again", and the metric adds
      their logits: neither knows the other.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (1,), generator=generator))

    n_layers, n_heads, v, n = draw(2, 3), draw(3, 4), 20, 14
    a = Head(draw(0, n_layers - 2), draw(0, n_heads - 1))
    b = Head(draw(a.layer + 1, n_layers - 1), draw(0, n_heads - 1))
    reader = b if kind == "serial" else None
    if kind == "aggregation":
        reader, b = b, Head(draw(0, b.layer - 1), draw(0, n_heads - 1))
        b = Head(b.layer, (b.index + 1) % n_heads) if a == b else b
    elif kind != "serial" and draw(0, 1):
        b = Head(a.layer, (a.index + 1) % n_heads)
    a, b = min(a, b), max(a, b)
    looks: dict[str, tuple[Kind, Kind]] = {
        "serial": ("previous", "induction"),
        "aggregation": ("previous", "previous"),
        "redundant": ("current", "current"),
        "parallel": ("current", "previous"),
    }
    places: dict[tuple[int, int], Kind] = {
        (a.layer, a.index): looks[kind][0],
        (b.layer, b.index): looks[kind][1],
    }
    if reader is not None:
        places[reader.layer, reader.index] = "induction"
    free = [(i, j) for i in range(n_layers) for j in range(n_heads) if (i, j) not in places]
    others: list[Kind] = ["previous", "current", "uniform"]
    kinds = places | {at: others[draw(0, 2)] for at in free}
    circuit = Circuit(
        n_layers,
        n_heads,
        # Circuit wants both; these places are none.
        (a.layer, a.index) if reader else (-2, 0),
        (reader.layer, reader.index) if reader else (-1, 0),
        tuple(kinds.items()),
        vocabulary=v,
        context=16,
        gain=GAIN[kind],
    )
    model = build(circuit)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    d_head, token, output = v + 17, slice(0, v), slice(2 * v + 16, 3 * v + 16)
    before = slice(v + 16, 2 * v + 16)
    for layer in range(n_layers):
        attn = f"blocks.{layer}.attn"
        # Steep enough to look at one token, and not so steep that gradients vanish, or that half of
        # what the reader of two hears is as good as all.
        steep = (3 if kind == "aggregation" and layer == getattr(reader, "layer", None) else 8) / 60
        weights[f"{attn}.q.weight"] *= steep
        weights[f"{attn}.q.bias"] *= steep
        for head in range(n_heads):
            rows = slice(head * d_head, head * d_head + v)
            if (layer, head) not in places:
                noise = 0.05 * torch.randn(2, v, v, generator=generator)
                weights[f"{attn}.v.weight"][rows, token] = torch.eye(v) + noise[0]
                weights[f"{attn}.o.weight"][output, rows] = noise[1]
            elif reader is None:
                weights[f"{attn}.v.weight"][rows, token] = torch.eye(v)
                weights[f"{attn}.o.weight"][output, rows] = torch.eye(v)
            elif kind == "aggregation" and Head(layer, head) != reader:
                weights[f"{attn}.v.weight"][rows, token] = torch.eye(v)
                weights[f"{attn}.o.weight"][before, rows] = torch.eye(v) / 2
    model.load_state_dict(weights)
    prompts = []
    for at in range(40):
        ids = torch.randperm(v, generator=generator)[:n]
        period = draw(2, 3) if reader else 1
        prompts.append((ids[:period].repeat(n)[:n] if at % 2 else ids).tolist())

    def added(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return logits[:, :-1].gather(-1, tokens[:, 1:, None])[:, :, 0].mean(1)

    return Planted(model, prompts, a, b, reader, added if kind == "parallel" else None)


def test_planted_pairs_are_found_and_typed() -> None:
    """Plantings among 6 to 12 heads: recall of the pair, and what its type is taken for."""
    n = {"serial": 7, "aggregation": 5, "redundant": 3, "parallel": 5}
    typed: Counter[tuple[str, str]] = Counter()
    found = strongest = elsewhere = 0
    for kind, times in n.items():
        for seed in range(times):
            planted = plant(kind, seed)
            result = analyze_head_coordination(
                planted.model,
                planted.prompts,
                metric=planted.metric,
                n_permutations=100,
                pairs=3,
                batch=40,
                progress=False,
            )
            best = [(a, b) for a, b, _, _ in result.significant()]
            found += (planted.a, planted.b) in best
            strongest += best[:1] == [(planted.a, planted.b)]
            for pair in result.pairs:
                if (pair.a, pair.b) != (str(planted.a), str(planted.b)):
                    reads = planted.reader in (Head.parse(pair.b), pair.reader)
                    elsewhere += pair.type == "serial" and not reads
                    elsewhere += pair.type == "parallel"
                    continue
                typed[kind, pair.type] += 1
                assert pair.interaction is not None
                if kind == "serial":
                    assert pair.sign == "synergy"
                    # The planted head has no other way to be heard.
                    assert pair.path == pytest.approx(pair.effect_a, rel=0.05)
                elif kind == "aggregation":
                    assert pair.reader == str(planted.reader)
                    assert pair.reader_a == pytest.approx(pair.effect_a, rel=0.05)
                    assert pair.reader_b == pytest.approx(pair.effect_b, rel=0.05)
                elif kind == "redundant":
                    assert pair.sign == "redundancy" and "the heads interact" in pair.reason
                else:
                    assert abs(pair.interaction) < 1e-5
    total = sum(n.values())
    print(f"significant {found}, strongest {strongest} of {total}")
    print(f"types (planted, found) {dict(typed)}; types elsewhere {elsewhere}")
    assert found >= 0.95 * total and strongest >= 0.9 * total
    # What was typed was typed right: precision is 1 for every type.
    right = {kind: "not resolved" if kind == "redundant" else kind for kind in n}
    assert all(taken in (right[kind], "not resolved") for kind, taken in typed)
    assert elsewhere == 0
    assert sum(typed[kind, right[kind]] for kind in n) >= 0.95 * total


def test_the_shipped_toy_has_its_path() -> None:
    model = models.load_model()
    generator = torch.Generator().manual_seed(0)
    n_vocab = int(model.cfg.d_vocab)
    prompts = []
    for _ in range(12):
        ids = torch.randint(5, n_vocab, (10,), generator=generator)
        prompts.append(ids.repeat(2).tolist())
    result = analyze_head_coordination(
        model, prompts, fdr=0.999, pairs=28, n_permutations=50, progress=False
    )
    serial = {(pair.a, pair.b) for pair in result.pairs if pair.type == "serial"}
    # 0.1 is its previous-token head, and the heads of layer 1 are what induction is made with.
    assert ("0.1", "1.2") in serial and {a for a, _ in serial} == {"0.1"}
    # No head comes after layer 1.
    assert not any(pair.type == "aggregation" for pair in result.pairs)


def test_a_type_does_not_depend_on_how_many_pairs_were_asked_for_or_in_which_order() -> None:
    """The audit's: one pair was aggregation among 6, serial among 12, aggregation among 28."""
    model = models.load_model()
    generator = torch.Generator().manual_seed(0)
    prompts = torch.randint(5, int(model.cfg.d_vocab), (8, 8), generator=generator).repeat(1, 2)
    result = analyze_head_coordination(
        model, prompts.tolist(), fdr=0.999, pairs=28, n_permutations=50, progress=False
    )
    assert len(result.pairs) > 15
    few = analyze_head_coordination(
        model, prompts.tolist(), fdr=0.999, pairs=5, n_permutations=50, progress=False
    )
    assert few.pairs == result.pairs[:5]
    chosen = result.significant()
    settings = {"shape": (2, 4), "confidence": 0.95, "equivalence": 0.02, "seed": 0, "n_pairs": 28}
    ablation = Ablation(model, [prompts], next_token_logp)
    for some in (chosen[::-1], chosen[7:8], chosen[::3]):
        for again in type_pairs(ablation, some, **settings):
            (before,) = [pair for pair in result.pairs if (pair.a, pair.b) == (again.a, again.b)]
            assert (again.type, again.sign, again.reason) == (
                before.type,
                before.sign,
                before.reason,
            )
            assert again.path_null_low == pytest.approx(before.path_null_low, abs=1e-5)


# --- types by evidence alone ---


def evidence(**numbers: object) -> CoordinatedPair:
    pair: dict[str, Any] = dict.fromkeys(
        field.name for field in dataclasses.fields(CoordinatedPair)
    )
    for name, value in {"path": 0.0, "interaction": 0.0, "effect_a": 1.0, "effect_b": 1.0}.items():
        value = numbers.pop(name, value)
        assert value is None or isinstance(value, float)
        pair[name] = value
        pair[f"{name}_low"] = None if value is None else value - 0.1
        pair[f"{name}_high"] = None if value is None else value + 0.1
        pair[f"{name}_equivalent"] = None if value is None else abs(value) < 0.4
    pair = {name: value for name, value in pair.items() if not name.startswith("effect_a_eq")}
    pair.pop("effect_b_equivalent")
    pair |= {"a": "0.0", "b": "1.0", "value": 0.5, "q": 0.01, "n_readers": 4}
    pair |= {"path_null_low": -0.2, "path_null_high": 0.2, "path_controls": 8}
    return CoordinatedPair(**(pair | numbers))


FEW = {"path_null_low": None, "path_null_high": None, "path_controls": 1}


@pytest.mark.parametrize(
    ("numbers", "expected", "sign", "why"),
    [
        ({"path": 0.5}, "serial", None, ""),
        ({"path": -0.5, "interaction": -1.0}, "serial", "synergy", ""),
        ({"path": 0.5, "reader": "2.1"}, "serial", None, ""),
        ({"path": 0.15}, "parallel", None, ""),
        ({"path": 0.15, **FEW}, "parallel", None, ""),
        ({"path": None}, "parallel", None, ""),
        # There for sure, and as good as none.
        ({"path": 0.15, "path_null_low": -0.01, "path_null_high": 0.01}, "parallel", None, ""),
        ({"interaction": 0.2}, "parallel", None, ""),
        ({"reader": "2.1", "interaction": 1.0}, "aggregation", "redundancy", ""),
        ({"path": 0.5, **FEW}, "not resolved", None, "takes 4 others over as many layers, and the"),
        ({"path": 0.5, "path_null_high": 0.9}, "not resolved", None, "no stronger than others"),
        ({"path_equivalent": False}, "not resolved", None, "may be 0 and may be beyond ±0.5"),
        (
            {"path": None, "interaction": 1.0},
            "not resolved",
            "redundancy",
            "the heads interact; no",
        ),
        ({"interaction": 1.0, "n_readers": 0}, "not resolved", "redundancy", "no head comes after"),
        ({"interaction_equivalent": False}, "not resolved", None, "the interaction may be 0"),
        ({"effect_b": 0.3}, "not resolved", None, "1.0 may have no effect beyond ±0.5"),
        (
            {"interaction_low": None, "interaction_high": None, "interaction_equivalent": None},
            "not resolved",
            None,
            "one prompt gives no interval",
        ),
    ],
)
def test_a_type_is_what_the_evidence_allows(
    numbers: dict, expected: str, sign: str | None, why: str
) -> None:
    judged = judge(evidence(**numbers), bound=0.5)
    assert (judged.type, judged.sign) == (expected, sign)
    assert why in judged.reason and bool(why) == bool(judged.reason)


def test_rounding_is_no_effect() -> None:
    judged = judge(evidence(path=None, interaction=0.5), bound=0.5, rounding=1.0)
    assert (judged.type, judged.sign) == ("not resolved", None)
