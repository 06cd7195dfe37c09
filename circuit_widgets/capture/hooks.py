"""Hooks that go when they should: put on, taken off, and dead if one were ever left behind."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor

from circuit_widgets.capture.asides import aside
from circuit_widgets.capture.foreign import ours
from circuit_widgets.capture.locks import lock
from circuit_widgets.capture.shapes import by_head
from circuit_widgets.capture.softmax import edited_softmax
from circuit_widgets.capture.stopping import can_stop, check_stop

if TYPE_CHECKING:
    from torch.nn import Module
    from transformer_lens.hook_points import HookPoint
    from transformer_lens.model_bridge import TransformerBridge

# What is given a layer's tensor, and may give back another one.
Touch = Callable[[Tensor], "Tensor | None"]
T = TypeVar("T")
_running: weakref.WeakSet[TransformerBridge] = weakref.WeakSet()


def hook_point(model: TransformerBridge, layer: int, site: str) -> tuple[str, HookPoint]:
    """The hook point of a site in a layer, and its name.

    Raises:
        ValueError: The layer has no such site.
    """
    for name in (
        f"blocks.{layer}.attn.hook_{site}",
        f"blocks.{layer}.hook_{site}",
        f"blocks.{layer}.{site}",
    ):
        point = model.get_hook_point(name)
        if point is not None:
            return name, point
    known = [
        known
        for known in ("pattern", "z", "q", "k", "v", "resid_pre", "resid_mid", "resid_post")
        if model.get_hook_point(f"blocks.{layer}.attn.hook_{known}")
        or model.get_hook_point(f"blocks.{layer}.hook_{known}")
    ]
    raise ValueError(
        f"layer {layer} of this model has no site {site!r}; it has {', '.join(known)}, and hook "
        "points by name, such as 'mlp.hook_out'"
    )


def has_site(model: TransformerBridge, layer: int, site: str) -> bool:
    """Whether a layer has a site.

    >>> from circuit_widgets import load_model
    >>> has_site(load_model(), 0, "mlp_out")
    False
    """
    try:
        hook_point(model, layer, site)
    except ValueError:
        return False
    return True


def is_running(model: TransformerBridge) -> bool:
    """Whether a pass of `capture` is under way.

    >>> from circuit_widgets import load_model
    >>> is_running(load_model())
    False
    """
    return model in _running


class Hooks:
    """The hooks of one pass: plan them with `at`, then run the pass `around` which they are."""

    def __init__(self, model: TransformerBridge) -> None:
        self.model = model
        self._plan: list[tuple[str, HookPoint, Callable[..., Any]]] = []
        self._block_plan: list[tuple[Module, Callable[..., None]]] = []
        self._block_handles: list[Any] = []
        # By layer: what is done to attention weights while transformers computes the attention.
        self._in_softmax: dict[int, list[Touch]] = {}
        self._live, self._attached = True, False
        # Those that have not been reached yet: (site, layer).
        self.waiting: set[tuple[str, int]] = set()

    def at(self, layer: int, site: str, touch: Touch, *, must: bool = True) -> None:
        """Call `touch` with the tensor of a site, after the hooks that are there already.

        must: the pass has to reach it; `waiting` says if it did not.
        """
        name, point = hook_point(self.model, layer, site)
        live = by_head(self.model, layer, site, self._live_touch(layer, site, touch, must))

        def ours_alone(tensor: Tensor, *, hook: Any) -> Tensor | None:
            return live(tensor)

        ours.add(ours_alone)
        self._plan.append((name, point, ours_alone))

    def at_softmax(self, layer: int, site: str, touch: Touch, *, must: bool = True) -> None:
        """Call `touch` with a layer's attention weights before they are used: see softmax.py."""
        live = self._live_touch(layer, site, touch, must)
        self._in_softmax.setdefault(layer, []).append(live)

    def _live_touch(self, layer: int, site: str, touch: Touch, must: bool) -> Touch:
        key = (site, layer)
        if must:
            self.waiting.add(key)

        def live(tensor: Tensor) -> Tensor | None:
            # An interrupt can leave a hook behind, between two lines of a library's add_hook; one
            # that is left does nothing.
            if not self._live or self.model in aside:
                return None
            self.waiting.discard(key)
            return touch(tensor)

        return live

    def before_block(self, layer: int, touch: Callable[[tuple, dict[str, Any]], None]) -> None:
        """Call `touch` with the arguments of a block."""

        def hook(module: Module, args: tuple, kwargs: dict[str, Any]) -> None:
            if self._live:
                touch(args, kwargs)

        self._block_plan.append((self.model.blocks[layer], hook))

    def around(self, call: Callable[[], T], layers: Iterable[int] = ()) -> T:
        """What `call` returns, with the model locked and the hooks on it; they go however it ends.

        Stop is obeyed before it and after each of the `layers` that the call runs.
        """
        check_stop()
        # Without a job nobody can ask to stop, and a hook costs something.
        for layer in layers if can_stop() else ():
            self.at(layer, "hook_out", lambda _: check_stop(), must=False)
        with lock(self.model):
            try:
                self.attach()
                # No `return` here: between the call and a return's `finally` Ctrl-C finds a gap.
                with edited_softmax(self.model, self._in_softmax):
                    output = call()
            finally:
                # An interrupt can fall into `detach`: again, it goes on where it was.
                try:
                    self.detach()
                finally:
                    self.detach()
        return output

    def attach(self) -> None:
        """Put the hooks on. The model's lock has to be held.

        Raises:
            ValueError: A hook point that the model's settings keep from being reached.
            RuntimeError: The model is being run already, by whoever calls this.
        """
        if self.model in _running:
            raise RuntimeError(
                "a reducer, an intervention or on_layer has run the model that is being run"
            )
        self._attached = True  # First: `detach` has to undo the next line wherever we are stopped.
        _running.add(self.model)
        for name, point, hook in self._plan:
            self.model.check_hooks_to_add(point, name, hook)
            point.add_hook(hook)
        for block, hook in self._block_plan:
            self._block_handles.append(block.register_forward_pre_hook(hook, with_kwargs=True))

    def detach(self) -> None:
        """Take them off, and no others.

        Called again after an interrupt it goes on where it was; if all was done it costs nothing.
        """
        self._live = False
        if not self._attached:
            return
        for _, point, hook in self._plan:
            for handle in [each for each in point.fwd_hooks if each.user_hook is hook]:
                handle.hook.remove()
                point.fwd_hooks.remove(handle)
        for handle in self._block_handles:
            handle.remove()
        _running.discard(self.model)
        self._attached = False
        # A hook knows its plan: a circle, in which what hooks have seen would wait for Python's
        # collector, which does not know how large a tensor is.
        self._plan.clear()
        self._block_plan.clear()
        self._block_handles.clear()
        self._in_softmax.clear()
