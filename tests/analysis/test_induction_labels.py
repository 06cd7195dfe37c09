"""What induction claims: confirmed pairs, controls of ablations, models without training."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.analysis.induction.ablation import add_ablation
from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.pairs import add_pairs
from circuit_widgets.causal.random_heads import matched_sets
from circuit_widgets.heads import Head
from circuit_widgets.prompts.repeats import Probe
from circuit_widgets.statistics.intervals import further_draw
from tests import tiny
from tests.analysis.test_induction import BARE
from tests.circuits import Circuit, build


@pytest.fixture(scope="module")
def scored():
    """A circuit, with the scores of attention alone."""
    model = build(Circuit(2, 6, (0, 2), (1, 3), vocabulary=30, context=20))
    return model, identify_induction_heads(model, n_sequences=3, length=8, progress=False, **BARE)


class Runs:
    """Ablations whose effects are known: so much for each head."""

    def __init__(self, effects: dict[Head, float]) -> None:
        self._effects = effects
        self.asked: list[tuple[Head, ...]] = []

    def effect(self, heads) -> torch.Tensor:
        self.asked.append(tuple(heads))
        return torch.tensor([0.9, 1.0, 1.1]) * sum(self._effects.get(head, 0.01) for head in heads)


def last(steps):
    *_, found = (step for step in steps if step is not None)
    return found


def test_random_heads_of_an_ablation_are_of_its_layers_and_in_no_question(scored) -> None:
    _, result = scored
    random = {Head(1, at): 0.1 * at for at in range(6) if at != 3}
    runs = Runs({Head(1, 3): 2.0, **random})
    done = last(add_ablation(result, runs, 1, (), confidence=0.9, seed=0))
    assert set(runs.asked[:-1]) == {(head,) for head in random} | {(Head(1, 3),)}
    mean, low, high = further_draw(torch.tensor(list(random.values())), 0.9)
    joint = done.joint_ablation
    for name, value in (("control", mean), ("control_low", low), ("control_high", high)):
        assert float(getattr(joint, name)) == pytest.approx(float(value), rel=1e-4)
        assert float(getattr(done.ablation, name)[1, 3]) == pytest.approx(float(value), rel=1e-4)
    assert "of further sets" in repr(done) and "90 %" not in repr(done)


def test_sets_are_different_and_where_there_is_none_the_control_is_missing() -> None:
    heads = [Head(0, 0), Head(1, 1), Head(1, 2)]
    sets = matched_sets((2, 5), heads, 8, seed=3, taken=[Head(0, 4)])
    assert len(set(sets)) == len(sets) == 8
    for each in sets:
        assert not {*heads, Head(0, 4)} & set(each)
        assert [head.layer for head in each] == [0, 1, 1]
    # In the toy every head of layer 1 is an induction head.
    result = identify_induction_heads(
        cw.load_model(), n_sequences=4, copying=False, ablation=2, pairs=False, progress=False
    )
    joint = result.joint_ablation
    assert joint is not None and float(joint.low) > 1 and joint.control.isnan()
    assert result.ablation.control.isnan().all()
    assert "too few other heads" in repr(result)


def test_a_path_that_carries_little_confirms_no_pair(scored) -> None:
    """However far it is from random heads."""
    model, result = scored
    layout = Probe(model, 8, 0, None).layout

    class Paths:
        """Each path takes as much of the attention to the token that followed."""

        def __init__(self, own: float) -> None:
            self._own = own

        def attention_lost(self, sender, receiver, through):
            fall = self._own if sender == Head(0, 2) else 1e-5 * (1 + sender.index)
            noise = torch.tensor([0.99, 1.0, 1.01])[:, None, None]
            yield (fall * noise).expand(3, layout.n_tokens, layout.n_tokens)

    def pair(own: float, least_share: float):
        found = add_pairs(
            result,
            model,
            lambda: Paths(own),
            layout,
            confidence=0.95,
            seed=0,
            least_share=least_share,
        )
        (one,) = last(found).pairs
        return one

    little, much = pair(0.01, 0.1), pair(0.8, 0.1)
    assert not little.confirmed and little.path_low > 5 * little.path_null_high
    assert little.why_not == "the interval is not above 10% of prefix matching"
    assert much.confirmed and much.why_not == "" and much.path_share == pytest.approx(0.8, abs=1e-3)
    assert pair(0.01, 0.0).confirmed


def test_more_pairs_are_held_to_more() -> None:
    """Of four pairs each has a confidence of 1 - 0.05 / 4."""
    model = cw.load_model()
    ask = {"n_sequences": 4, "copying": False, "ablation": 0, "progress": False}
    four = identify_induction_heads(model, **ask).pairs
    alone = identify_induction_heads(model, confidence=1 - 0.05 / 4, **ask).pairs
    assert four is not None and alone is not None and len(four) == len(alone) == 4
    assert {pair.k_percentile for pair in four} == {100}
    for one, other in zip(four, alone, strict=True):
        assert one.path_high - one.path < other.path_high - other.path
    wide = identify_induction_heads(model, confidence=1 - 0.05 / 16, **ask).pairs
    narrow = identify_induction_heads(model, confidence=1 - 0.05, **ask).pairs
    assert narrow == four and wide[0].path_low < four[0].path_low


@pytest.mark.parametrize("name", [*tiny.MAKERS, "gptj", "toy"])
def test_an_untrained_model_has_no_induction_head_and_no_pair(name: str) -> None:
    makers = {"toy": lambda: cw.load_model("toy-induction", step=0), "gptj": tiny.gptj}
    model = makers.get(name, lambda: tiny.make(name))()
    result = identify_induction_heads(
        model, n_sequences=3, length=10, copying=False, ablation=0, progress=False
    )
    assert result.heads() == [] and not any(pair.confirmed for pair in result.pairs or ())


def test_labels_are_the_same_whatever_else_is_asked_for() -> None:
    model = cw.load_model()
    ask = {"n_sequences": 4, "progress": False}
    whole = identify_induction_heads(model, **ask)
    bare = identify_induction_heads(model, copying=False, ablation=0, batch=1, **ask)
    assert whole.heads() == bare.heads()
    assert [pair.confirmed for pair in whole.pairs] == [pair.confirmed for pair in bare.pairs]


def test_a_null_of_copying_is_as_wide_as_asked_for() -> None:
    ask = {"n_sequences": 1, "ablation": 0, "pairs": False, "progress": False}
    model = cw.load_model()
    narrow, wide = (
        identify_induction_heads(model, confidence=of, **ask).copying for of in (0.5, 0.99)
    )
    assert float(wide.control_low[0, 0]) < float(narrow.control_low[0, 0])
    assert float(narrow.control_high[0, 0]) < float(wide.control_high[0, 0])


def test_a_pair_of_an_earlier_file_has_no_share() -> None:
    result = identify_induction_heads(cw.load_model(), n_sequences=4, progress=False)
    old = [
        {name: value for name, value in dataclasses.asdict(pair).items() if name != "path_share"}
        for pair in result.pairs
    ]
    again = dataclasses.replace(result, pairs=tuple(old))
    assert all(pair.path_share is None for pair in again.pairs)
    assert "of its value" not in repr(again) and not math.isnan(again.pairs[0].path)
