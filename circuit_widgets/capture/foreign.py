"""Hooks of the user's own on a model: they run in every pass, and what is found names them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformer_lens.hook_points import HookPoint
    from transformer_lens.model_bridge import TransformerBridge

# The hooks of a pass that is under way, perhaps on another thread, are not the user's.
ours: weakref.WeakSet[Callable[..., Any]] = weakref.WeakSet()


def foreign_hooks(model: TransformerBridge) -> tuple[str, ...]:
    """The hook points that have hooks of the user's own, with their number where it is not 1.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> model.add_hook("blocks.1.hook_out", lambda tensor, hook: tensor * 2)
    >>> foreign_hooks(model)
    ('blocks.1.hook_out',)
    >>> model.reset_hooks()
    >>> foreign_hooks(model)
    ()
    """
    counts = {name: _n_foreign(point) for name, point in _points(model).items()}
    return tuple(name if n == 1 else f"{name} ({n} hooks)" for name, n in counts.items() if n)


def blamed(model: TransformerBridge) -> str:
    """The end of a sentence about something that may be the user's hooks' doing; else "".

    >>> from circuit_widgets import load_model
    >>> blamed(load_model())
    ''
    """
    named = ", ".join(foreign_hooks(model))
    return f"; the model has hooks of your own, at {named}, which may be why" if named else ""


@contextmanager
def without_foreign(model: TransformerBridge) -> Iterator[None]:
    """Within, hooks on hook points do nothing: for a trial of the architecture, on other tokens.

    The model's lock has to be held, and no pass may be under way.
    """
    held = []
    try:
        for point in _points(model).values():
            for handle in filter(_is_foreign, point.fwd_hooks):
                id = handle.hook.id
                held.append((point, id, point._forward_hooks[id]))
                del point._forward_hooks[id]
        yield
    finally:
        for point, id, hook in held:
            point._forward_hooks[id] = hook


def _points(model: TransformerBridge) -> dict[str, HookPoint]:
    """Each hook point once, by its shortest name: aliases lead to the same one."""
    found: dict[int, tuple[str, HookPoint]] = {}
    for name, point in model.hook_dict.items():
        known = found.get(id(point))
        if known is None or len(name) < len(known[0]):
            found[id(point)] = name, point
    return dict(found.values())


def _n_foreign(point: HookPoint) -> int:
    return sum(map(_is_foreign, [*point.fwd_hooks, *point.bwd_hooks]))


def _is_foreign(handle: Any) -> bool:
    hook = handle.user_hook
    # TransformerLens puts hooks of its own on some architectures (OPT).
    by_library = str(getattr(hook, "__module__", "")).startswith("transformer_lens.")
    return hook not in ours and not by_library
