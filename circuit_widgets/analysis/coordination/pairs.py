"""How two heads work together: what is lost without one, the other and both, and what one says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.coordination.judging import judge
from circuit_widgets.analysis.coordination.results import CoordinatedPair, Significant
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.control_paths import LEAST, control_paths
from circuit_widgets.heads import Head
from circuit_widgets.statistics.intervals import further_draw, mean_interval, mean_p
from circuit_widgets.wire.numbers import number

# Readers that are patched: those that are first by their estimates.
_READERS = 2


class Reader(NamedTuple):
    """A head that reads both, with the two in-edge effects, each a mean and its interval."""

    head: Head
    a: list[float]
    b: list[float]


def type_pairs(
    ablation: Ablation,
    chosen: Sequence[Significant],
    shape: tuple[int, int],
    confidence: float,
    equivalence: float,
    seed: int,
    n_pairs: int,
) -> Iterator[CoordinatedPair]:
    """Every chosen pair, a not in a later layer than b, with its type and its evidence.

    shape: layers, and heads of a layer. n_pairs: among how many these could have been chosen. So
    many types can be wrong, so each is given with as much more confidence (Bonferroni), however
    many are asked for.
    """
    each = 1 - (1 - confidence) / n_pairs
    tests = _Tests(ablation, shape, each, equivalence, seed)
    for pair in chosen:
        yield judge(tests.evidence(pair), equivalence, ablation.rounding)


class _Tests:
    """Interventions on pairs. What is kept between them saves time and changes nothing."""

    def __init__(
        self,
        ablation: Ablation,
        shape: tuple[int, int],
        confidence: float,
        equivalence: float,
        seed: int,
    ) -> None:
        self._ablation, self._shape, self._seed = ablation, shape, seed
        self._confidence, self._bound = confidence, equivalence
        self._alone: dict[Head, Tensor] = {}
        self._paths: dict[tuple[Head, Head], Tensor] = {}
        self._estimates: dict[Head, dict[int, Tensor]] = {}

    def evidence(self, pair: Significant) -> CoordinatedPair:
        """What interventions on two heads do to the metric."""
        a, b = pair.a, pair.b
        effects = {"effect_a": self._effect(a), "effect_b": self._effect(b)}
        effects["effect_ab"] = self._ablation.effect([a, b])
        interaction = effects["effect_ab"] - effects["effect_a"] - effects["effect_b"]
        effects["contribution_a"] = self._ablation.contribution(a)
        effects["contribution_b"] = self._ablation.contribution(b)
        found: dict[str, Any] = self._tested("interaction", interaction)
        for name, samples in effects.items():
            found |= self._estimate(name, samples)
        return CoordinatedPair(
            a=str(a),
            b=str(b),
            value=pair.value,
            q=pair.q,
            **found,
            **self._path_evidence(a, b),
            **self._reader_evidence(a, b),
        )

    def _path_evidence(self, a: Head, b: Head) -> dict[str, Any]:
        """The path from a to b beside other paths over as many layers; none within a layer."""
        if a.layer >= b.layer:
            names = ("path", "path_low", "path_high", "path_p", "path_equivalent")
            return dict.fromkeys((*names, "path_null_low", "path_null_high", "path_controls"))
        controls = control_paths(a, b, self._shape, self._seed)
        low = high = None
        if len(controls) >= LEAST:
            means = torch.stack([self._path(*path).double().mean() for path in controls])
            # Robust, because some of them may be as real as the one in question.
            _, *ends = further_draw(means, self._confidence, robust=True)
            low, high = map(number, ends)
        null = {"path_null_low": low, "path_null_high": high, "path_controls": len(controls)}
        return self._tested("path", self._path(a, b)) | null

    def _reader_evidence(self, a: Head, b: Head) -> dict[str, Any]:
        """The head that reads both most, among those to which both in-edges are there for sure.

        The heads that are patched are chosen by estimates on the same prompts, so that the
        intervals are those of all heads that could have been chosen (Bonferroni).
        """
        later = self._shape[0] - 1 - b.layer
        n_readers = later * self._shape[1]
        found: list[Reader] = []
        for head in self._likely_readers(a, b) if later else ():
            edges = [self._path(sender, head).double() for sender in (a, b)]
            level = 1 - (1 - self._confidence) / n_readers
            means = [mean_interval(edge, level) for edge in edges]
            least = max(self._bound, self._ablation.rounding)
            if all(
                bool((low > 0) | (high < 0)) and abs(mean) >= least for mean, low, high in means
            ):
                found.append(Reader(head, *(list(map(float, each)) for each in means)))
        best = max(found, key=lambda each: min(abs(each.a[0]), abs(each.b[0])), default=None)
        told: dict[str, Any] = {"n_readers": n_readers, "reader": best and str(best.head)}
        for name in "ab":
            edge = (None, None, None) if best is None else getattr(best, name)
            told |= _named(f"reader_{name}", edge)
        return told

    def _likely_readers(self, a: Head, b: Head) -> list[Head]:
        """Heads after both that are first by the smaller of their two estimated in-edges."""
        one, other = (self._estimated(head) for head in (a, b))
        layers = range(b.layer + 1, self._shape[0])
        size = torch.stack(
            [torch.minimum(one[at].mean(0).abs(), other[at].mean(0).abs()) for at in layers]
        )
        first = size.flatten().argsort(descending=True, stable=True)[:_READERS].tolist()
        n_heads = self._shape[1]
        return [Head(b.layer + 1 + at // n_heads, at % n_heads) for at in first]

    def _effect(self, head: Head) -> Float[Tensor, " prompt"]:
        if head not in self._alone:
            self._alone[head] = self._ablation.effect([head])
        return self._alone[head]

    def _path(self, sender: Head, receiver: Head) -> Float[Tensor, " prompt"]:
        if (sender, receiver) not in self._paths:
            self._paths[sender, receiver] = self._ablation.path_effect(sender, receiver)
        return self._paths[sender, receiver]

    def _estimated(self, head: Head) -> dict[int, Float[Tensor, "prompt head"]]:
        if head not in self._estimates:
            self._estimates[head] = self._ablation.path_estimates(head)
        return self._estimates[head]

    def _estimate(self, name: str, samples: Float[Tensor, " prompt"]) -> dict[str, Any]:
        """A mean over prompts and its interval, as fields of a pair."""
        return _named(name, map(number, mean_interval(samples.double(), self._confidence)))

    def _tested(self, name: str, samples: Float[Tensor, " prompt"]) -> dict[str, Any]:
        """An estimate, its p, and whether it is as good as none.

        Two one-sided tests at level alpha reject "beyond the bound" where the interval of
        confidence 1 - 2 alpha is inside (Schuirmann 1987).
        """
        samples = samples.double()
        _, low, high = mean_interval(samples, max(0.0, 2 * self._confidence - 1))
        inside = -self._bound < float(low) and float(high) < self._bound
        return self._estimate(name, samples) | {
            f"{name}_p": number(mean_p(samples)),
            f"{name}_equivalent": inside if len(samples) > 1 else None,
        }


def _named(name: str, estimate: Any) -> dict[str, Any]:
    """An estimate as fields of a pair."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), estimate, strict=True))
