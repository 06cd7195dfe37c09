"""Runs that are computed ahead: the same text, with something changed inside the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from circuit_widgets import arguments, capture
from circuit_widgets.capture.edits import Intervention
from circuit_widgets.heads import Head, parse_heads
from circuit_widgets.live.reading import Reading
from circuit_widgets.widgets.score_planes import pack_scores, reading_scores
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.page import RunTraits, Span

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.views.explorer import Explorer

_KINDS = ("ablate", "scale")
_BY = ("mean", "zero")
_ACCEPTED = (
    'accepted are a head ("1.2"), several (["0.1", "1.2"]), '
    '{"ablate": heads, "by": "mean" or "zero"} and {"scale": heads, "factor": 2.0}'
)


@dataclass(frozen=True)
class Replay:
    """What a reader may do to the model.

    Attributes:
        label: In words, as the page offers it.
        heads: To which heads.
        kind: "ablate" or "scale".
        by: An ablation's "mean" (of this text's positions) or "zero".
        factor: Of a scale.
    """

    label: str
    heads: tuple[Head, ...]
    kind: str
    by: str = "mean"
    factor: float = 1.0

    def edits(self, model: TransformerBridge, ids: Any) -> list[Intervention]:
        """The interventions of `capture.run`."""
        if self.kind == "scale":
            return [capture.scale(self.heads, self.factor)]
        if self.by == "zero":
            return [capture.ablate(self.heads, by="zero")]
        keep = capture.Keep("z", frozenset(head.layer for head in self.heads))
        capture.run(model, ids, [keep], logits=False)
        return [capture.ablate(self.heads, reference=keep.tensors, per_position=False)]


def replays(asked: Any, model: TransformerBridge) -> list[Replay]:
    """What `bake={"interventions": [...]}` names.

    Raises:
        ValueError: It is nothing of the kind, or of a head that the model does not have.
    """
    if isinstance(asked, str | Mapping) or not isinstance(asked, Iterable):
        raise ValueError(f"interventions is {asked!r}; accepted is a list of them, and {_ACCEPTED}")
    return [_replay(one, model) for one in asked]


def _replay(one: Any, model: TransformerBridge) -> Replay:
    if not isinstance(one, Mapping):
        one = {"ablate": one}
    kinds = [kind for kind in _KINDS if kind in one]
    left = [name for name in one if name not in (*_KINDS, "by", "factor")]
    if len(kinds) != 1 or left:
        raise ValueError(f"the intervention {one!r} is not known; {_ACCEPTED}")
    heads = _heads(one[kinds[0]], model)
    named = ", ".join(map(str, heads))
    if kinds[0] == "scale":
        factor = one.get("factor")
        if isinstance(factor, bool) or not isinstance(factor, int | float):
            raise ValueError(f"the factor of {one!r} is {factor!r}; accepted is a number")
        return Replay(f"{named} × {factor:g}", heads, "scale", factor=float(factor))
    by = arguments.choice("by", one.get("by", "mean"), _BY)
    said = "its mean over this text" if len(heads) == 1 else "their means over this text"
    return Replay(f"without {named} ({said if by == 'mean' else 'zero'})", heads, "ablate", by)


def _heads(given: Any, model: TransformerBridge) -> tuple[Head, ...]:
    if given is None:
        raise ValueError(f"an intervention names no head; {_ACCEPTED}")
    return tuple(parse_heads(given, model.cfg.n_layers, model.cfg.n_heads))


@dataclass(frozen=True)
class Replayed:
    """A run that was computed ahead, as the page says it."""

    run: m.Run
    reading: Reading
    traits: RunTraits
    score_data: bytes
    picture_data: bytes


def replayed(view: Explorer, wanted: Sequence[Replay]) -> list[Replayed]:
    """The explorer's text, read again under each intervention.

    Scores on random tokens are the model's as it is: of another run they are missing.
    """
    shown, found = view.run_shown, []
    for number, replay in enumerate(wanted, 1):
        edits = replay.edits(view.model, view.reading.tokens.ids)
        reading = view.read_under(edits, shown.id + number)
        run = msgspec.structs.replace(
            shown, id=reading.run_id, label=replay.label, seconds=reading.seconds
        )
        info, data = pack_scores(reading_scores(reading, None, probe=True))
        at, nowhere = view.selection, Span(0, 0)
        picture, picture_data = reading.picture(at.layer, at.head, at.query, "max")
        traits = RunTraits(reading.run_id, info, nowhere, picture, nowhere)
        found.append(Replayed(run, reading, traits, data, picture_data))
    return found
