"""Classes of patterns: added, taken away, and what is wrong with a call is a sentence."""

from __future__ import annotations

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.analysis.patterns.classes import (
    register_pattern,
    unregister_pattern,
)
from circuit_widgets.analysis.patterns.detect import (
    detect_attention_patterns,
)
from tests import tiny


def test_a_class_can_be_added_and_taken_away() -> None:
    model, texts = cw.load_model(), ["blue dog seven river", "two green dog sky"]

    def second(pattern: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return pattern[..., 2:, 1].mean(-1)

    register_pattern("second", description="Looks at 1.", function="x", score=second, threshold=0.2)
    try:
        found = detect_attention_patterns(model, texts, progress=False)
        assert found.names[-3] == "second" and 0 < float(found.score("second").chance) < 0.5
        assert 0 < found.nulls["second"] < 1
        assert found.score("second").high is not None
        with pytest.raises(ValueError, match="there is a pattern class 'second' already"):
            register_pattern("second", description="", function="", score=second, threshold=0.2)
    finally:
        unregister_pattern("second")
    register_pattern("bad", description="", function="", score=lambda p, t: p.mean(), threshold=0.2)
    try:
        with pytest.raises(ValueError, match=r"'bad' has shape \[\]; accepted is"):
            detect_attention_patterns(model, "blue dog", progress=False)
    finally:
        unregister_pattern("bad")
    assert not any(point.fwd_hooks for point in model.hook_dict.values())
    with pytest.raises(ValueError, match="stays"):
        unregister_pattern("diagonal")
    with pytest.raises(ValueError, match="no pattern class 'bad'"):
        unregister_pattern("bad")


def test_what_is_wrong_is_a_sentence() -> None:
    model = cw.load_model()
    with pytest.raises(ValueError, match="there are no prompts"):
        detect_attention_patterns(model, [])
    with pytest.raises(ValueError, match=r"prompt 1: .*accepted are prompts of 2 tokens or more"):
        detect_attention_patterns(model, [[3, 4], [5]])
    with pytest.raises(ValueError, match=r"no pattern class 'diagnal'; did you mean 'diagonal'"):
        detect_attention_patterns(model, "blue dog", thresholds={"diagnal": 0.5})
    with pytest.raises(ValueError, match="the threshold of 'uniform' is 3; accepted is 0 to 1"):
        detect_attention_patterns(model, "blue dog", thresholds={"uniform": 3})
    with pytest.raises(TypeError, match="prompts cannot be int"):
        detect_attention_patterns(model, 3)
    with pytest.raises(ValueError, match="n_sequences is 0"):
        detect_attention_patterns(model, "blue dog", n_sequences=0)
    with pytest.warns(RuntimeWarning, match="nothing is scored on random tokens"):
        small = detect_attention_patterns(
            tiny.native(n_ctx=10), [[3, 4, 5]], length=24, progress=False
        )
    assert small.score("prefix_matching").value.isnan().all()
