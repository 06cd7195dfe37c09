"""Looking into the failing cases of a model, one after the other."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from circuit_widgets import arguments, models
from circuit_widgets.analysis.failures import against_model, against_prompts
from circuit_widgets.analysis.failures.against_prompts import Gathering, Healthy, gathered
from circuit_widgets.analysis.failures.answers import answer
from circuit_widgets.analysis.failures.cases import Asked
from circuit_widgets.analysis.failures.choosing import (
    asked,
    check_reference,
    right_ones,
    some_of,
)
from circuit_widgets.analysis.failures.finding import Finding, Spread
from circuit_widgets.analysis.failures.parts import Answer, Transfer
from circuit_widgets.analysis.failures.problems import problems_of
from circuit_widgets.analysis.failures.results import CircuitFailures
from circuit_widgets.analysis.failures.seen import Seen, batch_of, see
from circuit_widgets.analysis.failures.stacking import Rows
from circuit_widgets.analysis.failures.transfer import transfers, wanted
from circuit_widgets.analysis.failures.usual import Usual, usual_of
from circuit_widgets.capture.modes import evaluating, modules_of
from circuit_widgets.causal.nodes import parts_of
from circuit_widgets.jobs.progress import Progress, Work
from circuit_widgets.results.provenance import begun

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

R = TypeVar("R", bound=CircuitFailures)
# Healthy prompts that a fix is tried on, to see what it breaks.
_TRIED = 8
# Of how many healthy prompts the reference's own spread is taken.
_SPREAD = 8
# By model, the healthy one that it was last compared with.
references: weakref.WeakKeyDictionary[Any, weakref.ref[Any]] = weakref.WeakKeyDictionary()


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments, checked, as provenance keeps them; the cases are in the result."""

    naming: str
    most: int
    controls: int
    fixes: bool
    n_cases: int
    n_healthy: int
    n_transfers: int
    threshold: float
    batch: int
    seed: int
    confidence: float


def checked(**given: Any) -> Settings:
    """The arguments as settings.

    Raises:
        ValueError: A number out of range, or a name that there is not.
    """
    return Settings(
        naming=arguments.choice("naming", given["naming"], ("strongest", "first")),
        most=arguments.whole("most", given["most"], 1),
        controls=arguments.whole("controls", given["controls"], 1),
        fixes=arguments.flag("fixes", given["fixes"]),
        n_cases=arguments.whole("n_cases", given["n_cases"], 1),
        n_healthy=arguments.whole("n_healthy", given["n_healthy"], 1),
        n_transfers=arguments.whole("n_transfers", given["n_transfers"]),
        threshold=arguments.share("threshold", given["threshold"], example=0.05),
        batch=arguments.whole("batch", given["batch"], 1),
        seed=arguments.seed(given["seed"]),
        confidence=arguments.share("confidence", given["confidence"]),
    )


class Looking:
    """The cases of one question, sorted into failing and healthy ones.

    Raises:
        TypeError, ValueError: As `analyze_failures`.
    """

    def __init__(
        self,
        model: TransformerBridge,
        cases: Any,
        reference: TransformerBridge | None,
        healthy: Any,
        settings: Settings,
        question: str,
    ) -> None:
        self._model, self._reference, self._settings = model, reference, settings
        self._nodes = parts_of(model) if reference is None else check_reference(model, reference)
        given = asked(model, cases, "cases")
        right = right_ones(model, given, settings.batch)
        failing = [each for each, is_right in zip(given, right, strict=True) if not is_right]
        if healthy is None:
            sound = [each for each, is_right in zip(given, right, strict=True) if is_right]
        else:
            others = asked(model, healthy, "healthy")
            are_right = right_ones(model, others, settings.batch)
            sound = [each for each, is_right in zip(others, are_right, strict=True) if is_right]
        if not failing:
            raise ValueError(
                f"no case fails: the model gets {_all(len(given))} right; accepted is at least one "
                "that it gets wrong"
            )
        if reference is None and len(sound) < 4:
            raise ValueError(
                f"there {'is' if len(sound) == 1 else 'are'} {len(sound) or 'no'} healthy case"
                f"{'' if len(sound) == 1 else 's'} to compare with; accepted are 4 that the model "
                "gets right (of cases=, or in healthy=), or a healthy model as reference="
            )
        if reference is not None:
            failing = _healed(reference, failing, settings.batch)
            references[model] = weakref.ref(reference)
        self._cases = some_of(failing, settings.n_cases, settings.seed)
        self._healthy = some_of(sound, settings.n_healthy, settings.seed)
        self._nearest = tuple(
            -1 if reference is not None else _nearest(each, self._healthy) for each in self._cases
        )
        self._made = begun(
            model,
            question,
            settings,
            method="each component on a healthy model's inputs"
            if reference is not None
            else "each component beside the model's own healthy prompts",
            probe=f"{len(self._cases)} failing cases, {len(self._healthy)} healthy ones",
            n_total=len(self._cases),
            unit="cases",
            pending=("transfers",) if self._transfers else (),
        )

    @property
    def _transfers(self) -> bool:
        settings = self._settings
        return settings.fixes and settings.n_transfers > 0 and len(self._cases) > 1

    def steps(self, kind: type[R]) -> Iterator[R | Progress]:
        """A result after each case."""
        settings, model = self._settings, self._model
        n_healthy = len(self._healthy)
        work = Work({"healthy prompts": n_healthy, "cases": len(self._cases), "transfer": 1})
        answers = [self._answered(model, each) for each in self._cases]
        usual: Healthy | None = None
        spread: Spread | None = None
        if self._reference is None:
            gathering = Gathering(model, self._nodes, self._healthy, settings.batch)
            for n in gathering.steps():
                yield work.did("healthy prompts", n)
            usual = gathering.done()
        elif n_healthy:
            spread = self._spread()
            yield work.end("healthy prompts")
        rows = Rows(self._nodes, len(self._cases))
        for at, each in enumerate(self._cases):
            found = self._find(each, usual, spread)
            rows.add(at, found, problems_of(found, each, settings), settings.threshold)
            yield self._result(kind, rows, answers, usual, ())
        tried: tuple[Transfer, ...] = ()
        if self._transfers:
            tried = self._transferred(rows, usual)
        yield self._result(kind, rows, answers, usual, tried, over=True)

    def _answered(self, model: TransformerBridge, case: Asked) -> Answer:
        from circuit_widgets import capture

        ids = batch_of((case.ids,), model.cfg.device)
        return answer(model, capture.run(model, ids)[0, -1], case)

    def _find(self, case: Asked, usual: Healthy | None, spread: Spread | None) -> Finding:
        model, settings = self._model, self._settings
        if self._reference is not None:
            with evaluating(modules_of(self._reference)):
                return against_model.find(model, self._reference, self._nodes, case, spread)
        assert usual is not None
        n_effect = settings.most if settings.fixes else 0
        return against_prompts.find(model, self._nodes, usual, case, n_effect)

    def _spread(self) -> Spread:
        """How features vary over healthy prompts in the reference."""
        assert self._reference is not None
        some = self._healthy[:_SPREAD]
        with evaluating(modules_of(self._reference)):
            found = gathered(self._reference, self._nodes, some, self._settings.batch)
        return found.spread

    def _transferred(self, rows: Rows, usual: Healthy | None) -> tuple[Transfer, ...]:
        settings = self._settings
        fixes = wanted(
            self._nodes, rows.problems, settings.n_transfers, settings.controls, settings.seed
        )
        if not fixes:
            return ()
        healthy = some_of(self._healthy, _TRIED, settings.seed)

        def run(case: Asked) -> tuple[Seen, Usual]:
            ids = batch_of((case.ids,), self._model.cfg.device)
            own = see(self._model, self._nodes, ids)
            if self._reference is None:
                assert usual is not None
                return own, usual.usual(len(case.ids))
            with evaluating(modules_of(self._reference)):
                seen = see(self._reference, self._nodes, ids)
            said = answer(self._reference, seen.logits[0], case)
            return own, usual_of(seen, said.metric)

        return tuple(transfers(fixes, self._cases, healthy, run, settings.confidence))

    def _result(
        self,
        kind: type[R],
        rows: Rows,
        answers: list[Answer],
        usual: Healthy | None,
        tried: tuple[Transfer, ...],
        *,
        over: bool = False,
    ) -> R:
        reference = self._reference
        made = dataclasses.replace(
            self._made, n_done=len(rows.problems), pending=() if over else self._made.pending
        )
        return kind(
            provenance=made,
            compared="prompts" if reference is None else "model",
            reference="" if reference is None else models.name_of(reference),
            cases=tuple(self._cases),
            answers=tuple(answers),
            healthy=tuple(self._healthy),
            nearest=self._nearest,
            transfers=tried,
            threshold=self._settings.threshold,
            naming=self._settings.naming,
            **rows.fields(),
        )


def _healed(reference: TransformerBridge, failing: list[Asked], batch: int) -> list[Asked]:
    """The failing cases that the reference gets right."""
    right = right_ones(reference, failing, batch)
    found = [each for each, is_right in zip(failing, right, strict=True) if is_right]
    if not found:
        raise ValueError(
            f"the reference gets {_all(len(failing))} wrong too that the model gets wrong, so that "
            "there is nothing to compare with; accepted is a reference that gets one of them right"
        )
    return found


def _all(n: int) -> str:
    return "the one case" if n == 1 else f"all {n} cases"


def _nearest(case: Asked, healthy: list[Asked]) -> int:
    """A healthy prompt of the same length, with as many of the same tokens as there are."""
    fits = [
        (
            sum(a == b for a, b in zip(case.ids, each.ids, strict=False)),
            -abs(len(each.ids) - len(case.ids)),
        )
        for each in healthy
    ]
    order = sorted(range(len(healthy)), key=lambda at: (fits[at][1], fits[at][0]), reverse=True)
    return order[0]
