"""The views of `identify_induction_heads` and `trace_induction`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from circuit_widgets.analysis.induction.results import InductionHeads, InductionTrace
from circuit_widgets.heads import Head
from circuit_widgets.jobs.job import Job
from circuit_widgets.results.score import Score
from circuit_widgets.widgets.result_view import ResultView, followed, opened
from circuit_widgets.widgets.score_planes import HeadScore, induction_scores
from circuit_widgets.wire import messages as m
from circuit_widgets.wire import topics as t
from circuit_widgets.wire.numbers import number, numbers


class InductionView(ResultView):
    """Every head by its induction scores, the pairs they work in, and the trace of a prompt."""

    _bundle = "induction"
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

    def _reads(self, result: InductionHeads | InductionTrace) -> list[int] | None:
        if isinstance(result, InductionTrace):
            return list(result.ids)
        return list(result.example) if result.example else None

    def _shown_text(self, result: Any) -> tuple[list[str], str]:
        if isinstance(result, InductionTrace):
            return list(result.tokens), result.provenance.probe
        if result is None:
            return [], ""
        return list(result.example_tokens), result.provenance.probe

    def _topic(self, result: Any) -> tuple[m.Topic | None, bytes]:
        if result is None:
            return None, b""
        if isinstance(result, InductionTrace):
            heads, previous = _places(result.heads), _places(result.previous)
            pictures, data = self._text.pictures([*heads, *previous])
            repeats = [_repeat(result, q) for q in result.repeats()]
            return t.InductionTopic([], [], 0, 0, heads, previous, repeats, pictures), data
        pairs = None if result.pairs is None else [_pair(pair) for pair in result.pairs]
        shown = [head for pair in pairs or [] for head in (pair.receiver, pair.sender)]
        pictures, data = self._text.pictures([*shown, *_places(result.heads()[:4])])
        length = int(result.provenance.parameters["length"])
        before = len(result.example) - 2 * length if result.example else 0
        topic = t.InductionTopic(_facts(result), pairs, length, before, [], [], [], pictures)
        return topic, data


def _places(heads: Iterable[Head | str]) -> list[tuple[int, int]]:
    return [(at.layer, at.index) for at in map(Head.parse, heads)]


def _pair(pair: Any) -> t.Pair:
    sender, receiver = _places([pair.previous_token_head, pair.induction_head])
    return t.Pair(
        sender,
        receiver,
        pair.q_z,
        pair.k_z,
        pair.v_z,
        pair.path,
        pair.path_low,
        pair.path_high,
        pair.path_null,
        pair.path_null_high,
        pair.confirmed,
    )


def _repeat(trace: InductionTrace, q: int) -> t.Repeat:
    return t.Repeat(
        q,
        int(trace.earlier[q]),
        numbers(trace.attention[:, q]),
        float(trace.chance[q]),
        numbers(trace.added[:, q]),
        numbers(trace.added_chance[:, q]),
        numbers(trace.first_hop[:, q]),
        float(trace.probability[q]),
        bool(trace.predicted[q]),
        bool(trace.follows[q]),
    )


def _facts(result: InductionHeads) -> list[t.Fact]:
    facts = []

    def tell(label: str, about: str, score: Score | None, null_label: str) -> None:
        if score is not None:
            low, high, null = (
                None if part is None else number(part)
                for part in (score.low, score.high, score.control)
            )
            value = number(score.value)
            facts.append(t.Fact(label, about, "nats", value, low, high, null_label, null))

    tell("loss, first copy", "Of tokens that the model cannot know.", result.loss_first, "")
    tell(
        "loss, second copy",
        "Of the same tokens again.",
        result.loss_second,
        "without repeats",
    )
    tell(
        "in-context learning",
        "Loss on the second copy less that on the first.",
        result.in_context,
        "without repeats",
    )
    tell(
        "in-context learning, texts",
        "Loss at token 500 less loss at token 50 (Olsson et al. 2022).",
        result.text_in_context,
        "tokens in random order",
    )
    tell(
        "without the induction heads",
        "Rise of the loss on the second copy when all heads above the bar are ablated together.",
        result.joint_ablation,
        "without as many random heads",
    )
    return facts


def view(result: InductionHeads | InductionTrace) -> ResultView:
    """The view of a result, as its notebook display opens it."""
    return opened(InductionView, result, result.shape)


def stream(job: Job[Any]) -> ResultView:
    """The view of a job that it starts: the grid fills in."""
    return followed(InductionView, job)
