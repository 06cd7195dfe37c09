"""Edits that stand on a model: they are made in every pass, whoever runs it, until they go."""

from __future__ import annotations

import contextlib
import dataclasses
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import Tensor

from circuit_widgets.capture.asides import aside, recall
from circuit_widgets.capture.editable import where_edited
from circuit_widgets.capture.edits import Intervention, layers_of
from circuit_widgets.capture.foreign import beside, said, silenced
from circuit_widgets.capture.hooks import Touch, hook_point, is_running
from circuit_widgets.capture.locks import lock
from circuit_widgets.capture.scores import OpenFuture
from circuit_widgets.capture.shapes import by_head
from circuit_widgets.capture.softmax import alone, merging, standing_touches
from circuit_widgets.models.pruned.kept import kept_heads

if TYPE_CHECKING:
    from torch.nn import Module
    from transformer_lens.hook_points import HookPoint
    from transformer_lens.model_bridge import TransformerBridge

_standing: weakref.WeakKeyDictionary[TransformerBridge, _Stand] = weakref.WeakKeyDictionary()


def stands(model: TransformerBridge) -> str | None:
    """What stands on a model, in words; None if nothing does.

    >>> from circuit_widgets import load_model
    >>> stands(load_model()) is None
    True
    """
    stand = _standing.get(model)
    return None if stand is None else stand.words


@contextmanager
def standing(
    model: TransformerBridge,
    edits: Collection[Intervention],
    words: str,
    futures: Mapping[int, tuple[Collection[int], float]] | None = None,
    listeners: Collection[Listener] = (),
) -> Iterator[None]:
    """Within, these edits are made in every pass, before those of a run; results name them.

    They count as hooks of the user's own (foreign.py), which are to keep nothing from pass to pass;
    what a layer leaves for later ones goes through `asides.leave`.

    Args:
        model: A model that `check_model` accepts.
        edits: As in `run`.
        words: What they are, for provenance: "zero_k in head 1.2".
        futures: By layer, heads that see the future, and how much of it (scores.py).
        listeners: Who hears what a part of the model is given or gives, after all edits.

    Raises:
        ValueError: A layer or site that the model does not have; an edit of a pattern that does not
            reach what this model's heads write.
        RuntimeError: Something stands on the model already; the model is being run, by whoever
            calls this.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> with standing(model, [capture.scale("0.1", 0.0)], "a silent head"):
    ...     capture.foreign_hooks(model)
    ('blocks.0.attn.hook_z (a silent head)',)
    """
    stand = _Stand(model, words)
    for edit in edits:
        for layer in layers_of(edit, len(model.blocks)):
            stand.plan(layer, edit)
    for layer, (heads, share) in (futures or {}).items():
        stand.open(layer, heads, share)
    stand.listeners = listeners
    try:
        stand.attach()
        yield
    finally:
        # An interrupt can fall into it: again, it goes on where it was.
        try:
            stand.detach()
        finally:
            stand.live = False
            stand.detach()


@dataclasses.dataclass(frozen=True, eq=False)
class Listener:
    """Hears one tensor of a module in every pass: what it is given, or what it gives.

    >>> import torch
    >>> Listener(torch.nn.Identity(), print).gives
    False
    """

    module: Module
    hear: Callable[[Tensor], None]
    gives: bool = False


class _Stand:
    def __init__(self, model: TransformerBridge, words: str) -> None:
        self.live, self.words, self._model = True, words, model
        self._plan: list[tuple[HookPoint, Callable[..., Any]]] = []
        # What stands in softmaxes, by layer, and what opens a layer's future.
        self._touches: dict[int, list[Touch]] = {}
        self._modes: dict[int, list[Callable[[int], contextlib.AbstractContextManager[Any]]]] = {}
        self._wrapped: list[dict[str, Any]] = []
        self.listeners: Collection[Listener] = ()
        self._handles: list[Any] = []

    def plan(self, layer: int, edit: Intervention) -> None:
        model, site = self._model, edit.site

        def touch(tensor: Tensor) -> Tensor | None:
            return edit.edit(layer, tensor) if self._works else None

        if site == "pattern":
            where = where_edited(model, layer)
            if where is None:
                raise ValueError(
                    f"no edit of the attention of layer {layer} reaches what its heads write in "
                    "this model"
                )
            if where == "softmax":
                self._touches.setdefault(layer, []).append(touch)
                return
        point = hook_point(model, layer, site)[1]
        live = by_head(model, layer, site, touch)

        def hook(tensor: Tensor, *, hook: Any) -> Tensor | None:
            return live(tensor)

        said[hook] = self.words
        self._plan.append((point, hook))

    def open(self, layer: int, heads: Collection[int], share: float) -> None:
        """Let heads see the future."""
        kept = kept_heads(self._model)
        n_heads = int(self._model.cfg.n_heads) if kept is None else len(kept[layer])
        self._modes.setdefault(layer, []).append(
            lambda n_rows: OpenFuture(heads, n_heads, n_rows, share)
        )

    @property
    def _works(self) -> bool:
        return self.live and self._model not in aside and self._model not in silenced

    def attach(self) -> None:
        model = self._model
        with lock(model):
            if is_running(model):
                raise RuntimeError("the model is being run: nothing can be put on it until then")
            if model in _standing:
                raise RuntimeError(
                    f"{_standing[model].words} stands on the model already; one at a time"
                )
            _standing[model] = self
            recall(model, {})
            layers = sorted({*self._touches, *self._modes})
            beside[model] = tuple(f"blocks.{layer}.attn ({self.words})" for layer in layers)
            standing_touches[model] = self._touches
            for layer in layers:
                self._wrap(layer)
            for point, hook in self._plan:
                point.add_hook(hook)
            for listener in self.listeners:
                self._handles.append(self._listen(listener))

    def detach(self) -> None:
        """Take all of it off, and nothing else. Called again, it goes on where it was."""
        model = self._model
        with lock(model):
            self.live = False
            for point, hook in self._plan:
                for handle in [each for each in point.fwd_hooks if each.user_hook is hook]:
                    handle.hook.remove()
                    point.fwd_hooks.remove(handle)
            for handle in self._handles:
                handle.remove()
            for own in self._wrapped:
                own.pop("forward", None)
            if _standing.get(model) is self:
                for where in (beside, standing_touches):
                    where.pop(model, None)
                recall(model, {})
                del _standing[model]

    def _listen(self, listener: Listener) -> Any:
        def given(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if self._works:
                listener.hear(args[0] if args else next(iter(kwargs.values())))

        def gives(_: Any, args: Any, output: Any) -> None:
            if self._works:
                listener.hear(output[0] if isinstance(output, tuple) else output)

        if listener.gives:
            return listener.module.register_forward_hook(gives)
        return listener.module.register_forward_pre_hook(given, with_kwargs=True)

    def _wrap(self, layer: int) -> None:
        attention: Any = self._model.blocks[layer].attn
        forward = attention.forward

        def around(*args: Any, **kwargs: Any) -> Any:
            with contextlib.ExitStack() as stack:
                if self._works:
                    stream = args[0] if args else kwargs["hidden_states"]
                    touches = [] if self._model in merging else self._touches.get(layer, [])
                    if touches:
                        stack.enter_context(alone(self._model, layer, touches, len(stream)))
                    for mode in self._modes.get(layer, []):
                        stack.enter_context(mode(len(stream)))
                return forward(*args, **kwargs)

        self._wrapped.append(attention.__dict__)
        attention.__dict__["forward"] = around
