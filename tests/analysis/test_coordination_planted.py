"""analyze_head_coordination finds planted pairs and says how they work together."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import pytest
import torch

from circuit_widgets import models
from circuit_widgets.analysis.coordination.analyze import analyze_head_coordination
from circuit_widgets.analysis.coordination.judging import judge
from circuit_widgets.analysis.coordination.pairs import type_pairs
from circuit_widgets.analysis.coordination.results import CoordinatedPair
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.metrics import next_token_logp
from circuit_widgets.heads import Head
from tests.analysis.planted_pairs import coordinated, plant


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tiny models: threads that wait for each other would take most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_planted_pairs_are_found_and_typed() -> None:
    """Plantings among 6 to 12 heads: recall of the pair, and what its type is taken for."""
    n = {"serial": 7, "aggregation": 5, "redundant": 3, "parallel": 5}
    typed: Counter[tuple[str, str]] = Counter()
    found = strongest = elsewhere = 0
    for kind, times in n.items():
        for seed in range(times):
            planted = plant(kind, seed)
            result = coordinated(planted)
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
