"""Composition, influence, coordination and pattern scores beside what there was before them.

Rivals: TransformerLens' `all_composition_scores` and `detect_head`, and one forward pass for each
replaced token. SmolLM2-135M (30 x 9 heads) unless it says otherwise.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import torch

from benchmarks.measure import in_turn, max_rss, seconds, size, table
from circuit_widgets import capture
from circuit_widgets.analysis.coordination.analyze import analyze_head_coordination
from circuit_widgets.analysis.flow.trace import trace_information_flow
from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.trace import trace_induction
from circuit_widgets.analysis.influence.compute import compute_self_influence
from circuit_widgets.analysis.patterns.detect import detect_attention_patterns
from circuit_widgets.models import load_model
from circuit_widgets.prompts.repeats import Probe
from circuit_widgets.weights.composition import composition

MODEL = "SmolLM2-135M"
POSITIONS, DRAWS = 96, 8


def composed(ours: bool) -> tuple[float, int, torch.Tensor]:
    """Seconds, peak bytes beyond the loaded model, and the scores of one mode; in its process."""
    model = load_model(MODEL)
    model.eval()
    start = max_rss()
    began = time.perf_counter()
    with torch.no_grad():
        scores = (
            composition(model, "k", fold=False).value if ours else model.all_composition_scores("K")
        )
    taken = time.perf_counter() - began
    return taken, max_rss() - start, torch.as_tensor(scores).detach().float().cpu()


def _composition() -> list[str]:
    found: dict[bool, tuple[float, int, torch.Tensor]] = {}
    for ours in (True, False):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            try:
                found[ours] = pool.submit(composed, ours).result()
            except BrokenProcessPool:
                return [f"{found[True][0]:.1f} s, {size(found[True][1])} more", "killed", "", ""]
    (mine, grown, scores), (theirs, much, reference) = found[True], found[False]
    known = ~scores.isnan()
    apart = float((scores[known] - reference[known]).abs().max())
    return [
        f"{mine:.1f} s, {size(grown)} more",
        f"{theirs:.1f} s, {size(much)} more",
        f"{theirs / mine:.1f} x",
        f"largest difference {apart:.0e}",
    ]


def _ids(model: Any, n: int) -> list[int]:
    generator = torch.Generator().manual_seed(0)
    some = torch.randint(1000, 20000, (60,), generator=generator)
    return some[torch.randint(60, (n,), generator=generator)].tolist()


def _influence(model: Any) -> list[str]:
    ids = _ids(model, POSITIONS + 1)
    tokens = torch.tensor([ids])

    def one_by_one() -> None:
        with torch.no_grad():
            for _ in range(POSITIONS * DRAWS):
                model(tokens)

    def ours() -> float:
        return seconds(lambda: compute_self_influence(model, ids, draws=DRAWS, progress=False))

    exact = ours()
    plain = seconds(one_by_one)
    exact = min(exact, ours())
    return [
        f"influence, {POSITIONS} positions x {DRAWS} draws",
        f"{exact:.1f} s",
        f"{plain:.1f} s, a pass each",
        f"{plain / exact:.1f} x",
        "",
    ]


def _heads(model: Any) -> list[str]:
    from transformer_lens.head_detector import detect_head

    probe = Probe(model, 24, 0, None)
    tokens = probe.pairs(1)[:1]
    text = model.tokenizer.decode(tokens[0].tolist())
    kinds = ("previous_token_head", "duplicate_token_head", "induction_head")

    def theirs() -> None:
        with torch.no_grad():
            for kind in kinds:
                detect_head(model, text, kind)

    def ours() -> None:
        from circuit_widgets.attention.diagonals import SCORES, Diagonals

        reducer = Diagonals(probe.layout, tuple(SCORES), model.cfg.n_layers)
        capture.run(model, tokens, [reducer], logits=False)
        reducer.means()

    found = in_turn({"ours": ours, "theirs": theirs}, 5)
    ratio = found["theirs"] / found["ours"]
    return [f"{found['ours']:.2f} s", f"{found['theirs']:.2f} s", f"{ratio:.1f} x", ""]


def _multiples(model: Any) -> list[list[str]]:
    """Other analyses, as a multiple of a forward pass over their prompts."""
    rows = []
    for n in (32, 128):
        ids = _ids(model, n)
        prompts = [ids[i:] + ids[:i] for i in range(4)]
        tokens = torch.tensor(prompts)
        # A p takes 7 prompts of one length or more.
        several = [ids[i:] + ids[:i] for i in range(12)]

        def forward(tokens: torch.Tensor = tokens) -> None:
            capture.run(model, tokens)

        def backward(tokens: torch.Tensor = tokens) -> None:
            def metric(logits: torch.Tensor) -> torch.Tensor:
                return logits[:, -1].float().log_softmax(-1)[:, 7]

            capture.gradients(model, tokens, [("z", None)], metric)

        more = torch.tensor(several)
        base, base_of_more = (
            in_turn(
                {
                    "forward": lambda t=t: forward(t),
                    "backward": lambda t=t: backward(t),
                },
                3,
            )
            for t in (tokens, more)
        )
        calls = {
            "detect_attention_patterns": lambda p=prompts: detect_attention_patterns(
                model, p, n_sequences=1, progress=False
            ),
            "trace_induction": lambda p=prompts: trace_induction(
                model, p[0], heads=["18.6"], previous=["16.0"], progress=False
            ),
            "trace_information_flow": lambda p=prompts: trace_information_flow(
                model, p[0], progress=False
            ),
            "analyze_head_coordination, one layer, no types": lambda p=several: (
                analyze_head_coordination(model, p, layer=17, pairs=0, progress=False)
            ),
        }
        for name, call in calls.items():
            of, n_prompts = (base_of_more, 12) if "coordination" in name else (base, 4)
            both = of["forward"] + of["backward"]
            taken = seconds(call)
            rows.append(
                [
                    f"{name}, {n_prompts} x {n} tokens",
                    f"{taken:.2f} s",
                    f"{of['forward']:.2f} s forward, {of['backward']:.2f} s and backward",
                    f"{taken / of['forward']:.1f} x forward, {taken / both:.1f} x both",
                ]
            )
    return rows


def run() -> str:
    """The section of the report."""
    try:
        model = load_model(MODEL)
    except (OSError, ValueError) as error:
        return f"{MODEL} is not here: {error}\n"
    rows = [["composition of all pairs, K", *_composition()]]
    rows.append(_influence(model))
    rows.append(["three attention scores of all heads", *_heads(model)])
    whole = seconds(lambda: identify_induction_heads(model, progress=False))
    text = table(["", "circuit_widgets", "rival", "faster", ""], rows)
    text += f"\n`identify_induction_heads` with copying, ablations and pairs: {whole:.0f} s.\n\n"
    return text + table(
        ["analysis", "it takes", "a pass over the same", "ratio"], _multiples(model)
    )
