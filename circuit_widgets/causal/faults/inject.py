"""Plant a fault in a head, and take it out again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from circuit_widgets import arguments, capture, models
from circuit_widgets.causal.cuts import cutting
from circuit_widgets.causal.faults.attention import ATTENTION
from circuit_widgets.causal.faults.edges import EDGES
from circuit_widgets.causal.faults.kinds import KINDS, Asked, Kind
from circuit_widgets.causal.faults.layer import Layer
from circuit_widgets.heads import Head

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

KINDS |= EDGES | ATTENTION


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault that is planted.

    Attributes:
        kind: Which.
        place: The head it was planted in ("1.2"), or the edge ("0.1 to 1.2.q").
        strength: How strong.
        heads: The heads that it hits: more than one where heads share keys and values.
        options: What else it was asked with.

    >>> print(Fault("zero_k", "1.2", 1.0, (Head(1, 2), Head(1, 3)), {}))
    fault zero_k in 1.2 (hits heads 1.2, 1.3), strength 1
    """

    kind: str
    place: str
    strength: float
    heads: tuple[Head, ...]
    options: Mapping[str, Any]

    def __str__(self) -> str:
        several = [head for head in self.heads if str(head) != self.place]
        hits = f" (hits heads {', '.join(map(str, self.heads))})" if several else ""
        options = "".join(f", {name} {value}" for name, value in self.options.items())
        return f"fault {self.kind} in {self.place}{hits}, strength {self.strength:g}{options}"


@contextmanager
def inject_fault(
    model: TransformerBridge,
    kind: str,
    head: Head | str | Sequence[int],
    strength: float | None = None,
    **options: Any,
) -> Iterator[Fault]:
    """Within a `with`, one head of the model fails in a known way, in every pass.

    Its weights are not touched: edits of activations stand on the model, and are gone afterwards,
    whatever ends it. Every analysis runs under the fault, and its provenance names it. Nothing
    else of the model is changed; heads that share the head's keys and values are hit by what is
    done to these, and `Fault.heads` names them.

    Args:
        model: A TransformerBridge.
        kind: What goes wrong. Where strength is a share (`s`, above 0 to 1), 1 is all of it:
            "zero_q", "zero_k", "zero_v": queries, keys or values times 1 - s.
            "swap_qk": queries become (1 - s) q + s k, and keys the other way around.
            "sharpen", "flatten": queries times strength, or divided by it (above 1; 20).
            "drop_scale": scores without 1/sqrt(d_head): times its inverse to the power s.
            "permute_o": a share s of the rows of the head's W_O change places (`seed`).
            "scale_write": what the head writes times strength (at least 0; 10).
            "cut_edge": the `reader` ("1.2", "1.2.q", "1.mlp", "logits") hears 1 - s of what the
            head writes; the head may also be "embedding" or "0.mlp".
            "redirect": a share s of the attention of each query from `key` (0) on goes to it.
            "shift_positions": a share s of attention lands `shift` (1) positions too early; what
            would fall before the first lands on the first.
            "truncate": keys more than `window` (2) positions back (the query is the first) are
            lost, and the others grow to the row's sum; a share s of it.
            "tie": queries, keys and values become (1 - s) own + s the `other` head's (the next of
            the layer).
            "break_causality": later keys weigh s beside earlier ones, and not 0.
        head: "1.2", of which layer and index.
        strength: None is the kind's own, in parentheses above, or 1.
        options: What the kind takes besides.

    Yields:
        The fault, with the heads that it hits.

    Raises:
        TypeError: An option that the kind does not take, or one that is missing.
        ValueError: A kind, head, strength or option that there is not; a model that cannot have
            this fault, with the reason: it is tried on two tokens, and known by no name.
        RuntimeError: There is a fault in the model already.

    >>> import circuit_widgets as cw
    >>> from circuit_widgets.capture import foreign_hooks
    >>> model = cw.load_model()
    >>> with cw.inject_fault(model, "sharpen", "1.2") as fault:
    ...     print(fault, "|", foreign_hooks(model)[0])
    fault sharpen in 1.2, strength 20 | blocks.1.attn.hook_q (fault sharpen in 1.2, strength 20)
    >>> foreign_hooks(model)
    ()
    """
    models.check_model(model)
    if (before := capture.stands(model)) is not None:
        raise RuntimeError(f"{before} is in the model already; accepted is one fault at a time")
    chosen = KINDS[arguments.choice("kind", kind, KINDS)]
    strong = _strength(chosen, chosen.default if strength is None else strength)
    known = _options(kind, chosen, options)
    if kind == "cut_edge":
        asked = Asked(Layer(model, 0), Head(0, 0), strong, {**known, "writer": _name(head)})
        place = f"{_name(head)} to {known['reader']}"
        known = {}
    else:
        n_layers = len(model.blocks)
        at = Head.parse(head, n_layers)
        layer = Layer(model, at.layer)
        at = Head.parse(at, n_layers, layer.n_heads)
        known = _other(known, at, layer.n_heads)
        asked, place = Asked(layer, at, strong, known), str(at)
    plan = chosen.plan(asked)
    fault = Fault(kind, place, strong, plan.hit, known)
    parts = plan.edits, str(fault), plan.futures, plan.listeners
    with capture.standing(model, *parts), cutting(model, plan.cuts):
        if plan.futures:
            asked.layer.check_future(asked.head, strong)
        yield fault


def _strength(kind: Kind, value: Any) -> float:
    if kind.factor and kind.default == 10:
        number = arguments.positive("strength", value, example=kind.default) if value else 0.0
        if number == 1:
            raise ValueError("strength is 1, which is no fault; accepted is a factor from 0, not 1")
        return number
    if kind.factor:
        number = arguments.positive("strength", value, example=kind.default)
        if number <= 1:
            raise ValueError(f"strength is {value!r}; accepted is a factor above 1, like 20")
        return number
    number = arguments.share("strength", value, ends=True)
    if not number:
        raise ValueError("strength is 0, which is no fault; accepted is above 0 to 1")
    return number


def _options(name: str, kind: Kind, given: Mapping[str, Any]) -> dict[str, Any]:
    for option in given:
        if option not in kind.options:
            takes = ", ".join(kind.options) or "none"
            raise TypeError(f"a fault {name!r} has no option {option!r}; it takes {takes}")
    known = {**kind.options, **given}
    for option, value in known.items():
        if value is ...:
            raise TypeError(f"a fault {name!r} needs {option}=")
        if option in ("key", "shift", "window"):
            known[option] = arguments.whole(option, value, 0 if option == "key" else 1)
        if option == "seed":
            known[option] = arguments.seed(value)
    return known


def _other(known: dict[str, Any], head: Head, n_heads: int) -> dict[str, Any]:
    """With the head that this one is tied to."""
    if "other" not in known:
        return known
    if n_heads == 1:
        raise ValueError(f"layer {head.layer} has one head: there is none to tie it to")
    given = known["other"]
    next_one = Head(head.layer, (head.index + 1) % n_heads)
    other = next_one if given is None else Head.parse(given, None, n_heads)
    if other.layer != head.layer or other == head:
        raise ValueError(f"other is {other}; accepted is another head of layer {head.layer}")
    return {**known, "other": other}


def _name(writer: Any) -> str:
    if isinstance(writer, str) and (writer == "embedding" or writer.endswith(".mlp")):
        return writer
    return str(Head.parse(writer))
