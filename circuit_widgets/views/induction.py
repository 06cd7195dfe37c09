"""The views of `identify_induction_heads` and `trace_induction`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from circuit_widgets.analysis.induction.identify import Settings
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.analysis.induction.scores import ABLATED
from circuit_widgets.analysis.induction.trace_results import InductionTrace
from circuit_widgets.jobs.job import Job
from circuit_widgets.results.score import Score
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.result_view import ResultView, followed, opened
from circuit_widgets.widgets.score_planes import HeadScore, induction_scores
from circuit_widgets.wire import controls as c
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.numbers import number
from circuit_widgets.wire.packing import place, topic
from circuit_widgets.wire.topics import induction as t
from circuit_widgets.wire.topics.shared import Fact, facts_table

# Of a trace, by head: field, whose, title, unit.
TRACED = (
    ("attention", "heads", "Attention to the token after the earlier occurrence", ""),
    ("added", "heads", "Logit added to the token that followed", "logits"),
    ("added_chance", "heads", "Logit added to other tokens", "logits"),
    ("first_hop", "previous", "Attention of the first hop", ""),
)


# Of several prompts, means over prompts: name, label, meaning.
FACTS = (
    ("probability", "probability", "Of the token that followed earlier, at the repeated tokens."),
    ("predicted", "top prediction", "How often that token is the model's likeliest one."),
    ("follows", "follows again", "How often that token follows again in the prompts."),
)
# Prompts that are listed.
_SHOWN = 200


class InductionView(ResultView):
    """Every head by its induction scores, the pairs they work in, and the trace of a prompt."""

    _bundle = "induction"
    _panels = (
        "header",
        "heads",
        "card",
        "ranking",
        "scatter-panel",
        "facts-panel",
        "pairs",
        "patterns",
        "strip",
        "repeats",
        "means",
        "prompts",
        "footer",
    )
    _doing = "Scoring heads on random tokens"

    def _scores(self, result: Any) -> Iterable[HeadScore]:
        if isinstance(result, InductionTrace):
            return []
        return induction_scores(result, self._shape)

    def _highest(self, result: InductionHeads | InductionTrace) -> Any:
        if isinstance(result, InductionTrace):
            return result.heads[0]
        value = result.prefix_matching.value
        if bool(value.isnan().all()):
            return None
        return divmod(int(value.nan_to_num(-1).argmax()), value.shape[1])

    def _adjusts(self, result: Any) -> list[c.Control]:
        return [
            word("pairs.sort", "Order of the pairs", "-path"),
            word("repeats.sort", "Order of the repeated tokens", ""),
        ]

    def _reads(self, result: InductionHeads | InductionTrace) -> list[int] | None:
        if isinstance(result, InductionTrace):
            return None if result.lengths else list(result.ids)
        return list(result.example) if result.example else None

    def _shown_text(self, result: Any) -> tuple[list[str], str]:
        if isinstance(result, InductionTrace):
            # Several prompts are no text whose tokens could be pointed at.
            return [] if result.lengths else list(result.tokens), result.provenance.probe
        if result is None:
            return [], ""
        return list(result.example_tokens), result.provenance.probe

    def _topic(self, result: Any) -> TopicData:
        if result is None:
            return None
        if isinstance(result, InductionTrace):
            return _means(result) if result.lengths else self._trace(result)
        pairs, which = result.pairs or [], result.provenance.interval
        settings = result.provenance.settings(Settings)
        ends = [end for pair in pairs for end in (pair.induction_head, pair.previous_token_head)]
        shown = [place(head) for head in (*ends, *result.heads()[:4])]
        length = settings.length
        before = len(result.example) - 2 * length if result.example else 0
        return topic(
            "induction",
            {"length": length, "before": before, "least_share": settings.least_share},
            facts_table(_facts(result), which),
            # Not there: not looked for yet.
            *([] if result.pairs is None else [t.pairs_table(pairs, which)]),
            *self._text.pictures(shown),
        )

    def _trace(self, result: InductionTrace) -> TopicData:
        rows = result.repeats()
        names = ("earlier", "chance", "probability", "predicted", "follows")
        by_head = [
            t.by_head(name, getattr(result, name), rows, getattr(result, heads), title, unit)
            for name, heads, title, unit in TRACED
        ]
        return topic(
            "induction",
            {"length": 0, "before": 0},
            t.heads_table("heads", result.heads, "Induction heads"),
            t.heads_table("previous", result.previous, "Previous-token heads"),
            t.repeats_table({name: getattr(result, name) for name in names}, rows),
            *by_head,
            *self._text.pictures([place(head) for head in (*result.heads, *result.previous)]),
        )


def _means(result: InductionTrace) -> TopicData:
    """Several prompts: means of each head, and what each prompt has."""
    which, shown = result.interval, range(min(_SHOWN, result.n_prompts))
    # Of attention and of what is added; the one of the first hop has its own heads.
    second = {"attention": result.mean("attention"), "added": result.mean("added")}
    first = {"first_hop": result.mean("first_hop")}
    by_prompt = {name: result.by_prompt(name).T for name in second}
    facts = [
        Fact(label, about, "", number(score.value), _end(score.low), _end(score.high))
        for name, label, about in FACTS
        for score in [result.mean(name)]
    ]
    return topic(
        "induction",
        {"length": 0, "before": 0, "n_prompts": result.n_prompts},
        facts_table(facts, which),
        t.heads_table("heads", result.heads, "Induction heads"),
        t.heads_table("previous", result.previous, "Previous-token heads"),
        t.means_table("means", result.heads, _described(second), which, "Second hop"),
        t.means_table("first_means", result.previous, _described(first), which, "First hop"),
        t.prompts_table(
            result.texts[:_SHOWN],
            [len(result.of(prompt).repeats()) for prompt in shown],
            result.by_prompt("probability")[:_SHOWN],
            result.by_prompt("predicted")[:_SHOWN],
        ),
        *(
            t.by_head(f"{name}_by_prompt", by_prompt[name], shown, result.heads, title, unit)
            for name, _, title, unit in TRACED
            if name in by_prompt
        ),
    )


def _described(means: Mapping[str, Score]) -> dict[str, t.Mean]:
    described = {name: (title, unit) for name, _, title, unit in TRACED}
    found = {}
    for name, score in means.items():
        assert score.low is not None and score.high is not None
        title, unit = described[name]
        null, of = score.control, "other tokens"
        if null is None:
            assert score.chance is not None
            null, of = score.chance.expand_as(score.value), "uniform attention"
        found[name] = t.Mean(title, unit, score.value, score.low, score.high, null, of)
    return found


def _end(part: Tensor | None) -> float | None:
    return None if part is None else number(part)


def _facts(result: InductionHeads) -> list[Fact]:
    facts: list[Fact] = []

    def tell(label: str, about: str, score: Score | None, null_label: str) -> None:
        if score is not None:
            low, high, null = (
                None if part is None else number(part)
                for part in (score.low, score.high, score.control)
            )
            value = number(score.value)
            facts.append(Fact(label, about, "nats", value, low, high, null_label, null))

    tell("loss, first copy", "Loss on tokens that the model cannot predict.", result.loss_first, "")
    tell(
        "loss, second copy",
        "Loss on the same tokens again.",
        result.loss_second,
        "without repeats",
    )
    tell(
        "in-context learning",
        "Second-copy minus first-copy loss; more negative: more is learned from the context.",
        result.in_context,
        "without repeats",
    )
    tell(
        "in-context learning, texts",
        "Loss at token 500 minus loss at token 50 (Olsson et al. 2022).",
        result.text_in_context,
        "tokens in random order",
    )
    tell(
        "loss added without the induction heads",
        "Rise of the second-copy loss when all significant induction heads are ablated together, "
        f"on the first {ABLATED} sequences at most. Where there is no baseline, their layers have "
        "too few other heads for a random set.",
        result.joint_ablation,
        "as many random heads of the same layers",
    )
    return facts


def view(result: InductionHeads | InductionTrace, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    return opened(InductionView, result, result.shape, asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: the grid fills in."""
    return followed(InductionView, job, asked)
