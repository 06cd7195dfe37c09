"""Suggestions made of results that are there already: pairs of heads that should work together."""

from __future__ import annotations

import pytest

import circuit_widgets as cw
from circuit_widgets.analysis.optimization.results import Optimizations
from tests import tiny
from tests.analysis.planted_pairs import coordinated, plant

ASK = {"progress": False, "random": 0, "upto": 0.2}


@pytest.mark.parametrize("seed", [0, 1])
def test_heads_that_matter_together_and_do_not_work_together(seed: int, tmp_path) -> None:
    """One says the token again, the other the token before: the metric adds them, no head does."""
    planted = plant("parallel", seed)
    pairs = coordinated(planted)
    found = cw.suggest_circuit_optimizations(
        planted.model, texts=planted.prompts, coordination=pairs, **ASK
    )
    (suggested,) = found.of("architecture_modification")
    assert suggested.components == (str(planted.a), str(planted.b))
    assert suggested.expected == "better_coordination"
    # A connection between them takes training: nothing is said of its effect.
    assert not suggested.tested and suggested.value is None and suggested.missing
    assert suggested.evidence.startswith(f"{planted.a} and {planted.b} matter on the same prompts")
    found.save(tmp_path / "found.safetensors")
    again = Optimizations.load(tmp_path / "found.safetensors")
    assert again.suggestions == found.suggestions
    named = cw.suggest_circuit_optimizations(
        planted.model,
        texts=planted.prompts,
        coordination=pairs,
        rule="source",
        **ASK,
    )
    # The source's rule: similarities alone, and nothing is tried.
    assert all(not each.tested and each.missing for each in named.suggestions)


def test_heads_that_work_together_are_left_alone() -> None:
    planted = plant("serial", 0)
    found = cw.suggest_circuit_optimizations(
        planted.model, texts=planted.prompts, coordination=coordinated(planted), **ASK
    )
    assert found.of("architecture_modification") == ()


@pytest.mark.parametrize("seed", [0, 1])
def test_an_untrained_model_has_no_heads_that_should_work_together(seed: int) -> None:
    model = cw.load_model(step=0, seed=seed)
    task = cw.Task.repeated_tokens(model, n=12, length=8)
    pairs = cw.analyze_head_coordination(model, task.clean, n_permutations=100, progress=False)
    found = cw.suggest_circuit_optimizations(model, task, coordination=pairs, **ASK)
    assert found.of("architecture_modification") == found.of("capacity_increase") == ()
    assert found.skipped.startswith("parts of the task, which the model does not do")


def test_what_was_not_computed_here_is_refused() -> None:
    model = cw.load_model()
    task = cw.Task.repeated_tokens(model, n=6, length=5)
    patterns = cw.detect_attention_patterns(model, ["blue dog seven"] * 2, progress=False)
    with pytest.raises(TypeError, match="accepted is what analyze_head_coordination found, or"):
        cw.suggest_circuit_optimizations(model, task, coordination=patterns, **ASK)
    other = cw.analyze_head_coordination(
        tiny.make("llama"), tiny.ids(9, batch=4), n_permutations=20, pairs=0, progress=False
    )
    with pytest.raises(ValueError, match=r"is of another model .*, whose head 2\.0 is not in this"):
        cw.suggest_circuit_optimizations(model, task, coordination=other, **ASK)
