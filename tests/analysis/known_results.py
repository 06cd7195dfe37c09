"""Results of every analysis on small models, as an earlier version saved them.

    python -m tests.analysis.known_results                  # save those that are missing
    python -m tests.analysis.known_results toy-flow ...     # again, after a change that is meant
    python -m tests.analysis.known_results --all

A move of code changes no number: `test_known_results.py` computes all of them again and compares.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import circuit_widgets as cw
from tests import tiny

FOLDER = Path(__file__).parents[1] / "golden" / "results"
TEXT = "blue dog seven river blue dog seven green cat"
TEXTS = [TEXT, "cat seven dog river green blue cat seven dog", "river green dog cat blue seven"]

# Prompts of one length, which change places for a null.
_WORDS = TEXTS[1].split()
ALIKE = [" ".join(2 * (_WORDS[at:] + _WORDS[:at])[: 5 + at // 8]) for at in range(8)]


def _ids(n: int, seed: int) -> list[int]:
    return tiny.ids(n, seed=seed)[0].tolist()


def _on_the_toy() -> dict[str, Callable[[], Any]]:
    model = cw.load_model()
    quiet = {"progress": False}
    return {
        "toy-induction": lambda: cw.identify_induction_heads(model, n_sequences=6, **quiet),
        "toy-trace": lambda: cw.trace_induction(model, TEXT, **quiet),
        "toy-patterns": lambda: cw.detect_attention_patterns(model, TEXTS, **quiet),
        "toy-coordination": lambda: cw.analyze_head_coordination(
            model, ALIKE, n_permutations=200, pairs=2, **quiet
        ),
        "toy-influence": lambda: cw.compute_self_influence(model, TEXT, **quiet),
        "toy-influence-norm": lambda: cw.compute_self_influence(
            model, TEXT, metric="norm", **quiet
        ),
        "toy-influence-written": lambda: cw.compute_self_influence(
            model, TEXT, generate=3, **quiet
        ),
        "toy-influence-draws": lambda: cw.compute_self_influence(model, TEXT, draws=8, **quiet),
        "toy-influence-kl": lambda: cw.compute_self_influence(model, TEXT, metric="kl", **quiet),
        "toy-flow": lambda: cw.trace_information_flow(model, TEXT, **quiet),
        "toy-layers": lambda: cw.analyze_cross_layer_flow(
            model, cw.Task.repeated_tokens(model, n=8, length=8), **quiet
        ),
        "toy-attribution": lambda: cw.attribute_logits(model, TEXTS, **quiet),
        "toy-ablation": lambda: cw.ablate_heads(model, TEXTS, **quiet),
        "toy-circuit": lambda: cw.extract_circuit(
            model, cw.Task.repeated_tokens(model, n=8, length=8), **quiet
        ),
        "toy-patching": lambda: cw.patch_activations(
            model, cw.Task.repeated_tokens(model, n=6, length=6), **quiet
        ),
        "toy-failures": lambda: cw.analyze_failures(
            model,
            [cw.Case(TEXT, "dog"), cw.Case(TEXTS[1], "two")],
            healthy=cw.Task.repeated_tokens(model, n=6, length=6),
            n_healthy=20,
            **quiet,
        ),
        "toy-diagnosis": lambda: cw.diagnose_circuit_failure(
            model,
            cw.Case(TEXT, "dog"),
            healthy=cw.Task.repeated_tokens(model, n=6, length=6),
            n_healthy=20,
            **quiet,
        ),
        "toy-optimization": lambda: cw.suggest_circuit_optimizations(
            model, cw.Task.repeated_tokens(model, n=8, length=8), random=3, **quiet
        ),
        "toy-models": lambda: cw.analyze_cross_model_stability(
            {f"seed {seed}": cw.Load("toy-induction", seed=seed) for seed in (0, 1)},
            cw.Task.repeated_tokens(model, n=8, length=8),
            draws=20,
            **quiet,
        ),
        "toy-training": lambda: cw.analyze_training_stability(
            {step: cw.Load("toy-induction", step=step) for step in (0, 577, 833, 2500)},
            cw.Task.repeated_tokens(model, n=8, length=8),
            draws=20,
            **quiet,
        ),
    }


def _on(name: str) -> dict[str, Callable[[], Any]]:
    model = tiny.make(name)
    prompts = [_ids(12, seed) for seed in (1, 2, 3)]
    several = [_ids(12, seed) for seed in range(1, 9)]
    quiet = {"progress": False}
    made: dict[str, Callable[[], Any]] = {
        f"{name}-induction": lambda: cw.identify_induction_heads(
            model, n_sequences=4, length=10, batch=2, **quiet
        ),
        f"{name}-patterns": lambda: cw.detect_attention_patterns(
            model, prompts, n_sequences=4, length=10, **quiet
        ),
        f"{name}-influence": lambda: cw.compute_self_influence(model, prompts[0], **quiet),
        f"{name}-flow": lambda: cw.trace_information_flow(model, prompts[0], confirm=3, **quiet),
    }
    for method in ("contribution", "pearson", "cka", "projection"):
        made[f"{name}-coordination-{method}"] = lambda method=method: cw.analyze_head_coordination(
            model, several, method=method, n_permutations=100, pairs=2, **quiet
        )
    return made


def makers() -> dict[str, Callable[[], Any]]:
    """A function for each result, by the name of its file."""
    return {**_on_the_toy(), **_on("llama"), **_on("native")}


def save(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> list[str]:
    """Save the results that are asked for; their names."""
    known = makers()
    parser = argparse.ArgumentParser(prog="python -m tests.analysis.known_results")
    parser.add_argument("names", nargs="*", help="to save again; none: those that are missing")
    parser.add_argument("--all", action="store_true", help="save every one again")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in known]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; names are {', '.join(known)}")
    there = {file.stem for file in folder.glob("*.safetensors")}
    some = asked.names or [name for name in known if asked.all or name not in there]
    folder.mkdir(parents=True, exist_ok=True)
    for name in some:
        known[name]().save(folder / f"{name}.safetensors")
        print(name)
    return some


if __name__ == "__main__":
    if not save():
        print("none is missing; name those to save again, or say --all")
