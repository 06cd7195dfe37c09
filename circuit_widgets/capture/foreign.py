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
# Of hooks that are put on by `standing`: what they do, in words.
said: weakref.WeakKeyDictionary[Callable[..., Any], str] = weakref.WeakKeyDictionary()
# By model: what stands on it besides hooks on hook points, in words.
beside: weakref.WeakKeyDictionary[TransformerBridge, tuple[str, ...]] = weakref.WeakKeyDictionary()
# Models on which what stands does nothing for now.
silenced: weakref.WeakSet[TransformerBridge] = weakref.WeakSet()


def foreign_hooks(model: TransformerBridge) -> tuple[str, ...]:
    """The hook points that have hooks of the user's own, with their number where it is not 1.

    A fault that is planted (`inject_fault`) counts, and is named.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> model.add_hook("blocks.1.hook_out", lambda tensor, hook: tensor * 2)
    >>> foreign_hooks(model)
    ('blocks.1.hook_out',)
    >>> model.reset_hooks()
    >>> foreign_hooks(model)
    ()
    """
    found: list[str] = []
    for name, point in _hooked(model).items():
        hooks = [handle.user_hook for handle in _foreign(point)]
        plain = sum(hook not in said for hook in hooks)
        if plain:
            found.append(name if plain == 1 else f"{name} ({plain} hooks)")
        found += dict.fromkeys(f"{name} ({said[hook]})" for hook in hooks if hook in said)
    return (*found, *beside.get(model, ()))


def keeps_state(model: TransformerBridge) -> bool:
    """Whether hooks of the user's own may keep something from layer to layer or pass to pass.

    Whoever puts on a hook by hand may count its calls; what `standing` puts on does not.

    >>> from circuit_widgets import load_model
    >>> keeps_state(load_model())
    False
    """
    points = _hooked(model).values()
    return any(handle.user_hook not in said for point in points for handle in _foreign(point))


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
    """Within, they do nothing: for a trial of the architecture, on other tokens.

    The model's lock has to be held, and no pass may be under way.
    """
    held = []
    was_silent = model in silenced
    try:
        silenced.add(model)
        for point in _hooked(model).values():
            for handle in filter(_is_foreign, point.fwd_hooks):
                id = handle.hook.id
                held.append((point, id, point._forward_hooks[id]))
                del point._forward_hooks[id]
        yield
    finally:
        for point, id, hook in held:
            point._forward_hooks[id] = hook
        if not was_silent:
            silenced.discard(model)


def _hooked(model: TransformerBridge) -> dict[str, HookPoint]:
    """Each hook point with a hook once, by its shortest name: aliases lead to the same one."""
    found: dict[int, tuple[str, HookPoint]] = {}
    for name, point in model.hook_dict.items():
        # Nearly always none of a thousand: asked at every analysis.
        if not point.fwd_hooks and not point.bwd_hooks:
            continue
        known = found.get(id(point))
        if known is None or len(name) < len(known[0]):
            found[id(point)] = name, point
    return dict(found.values())


def _foreign(point: HookPoint) -> list[Any]:
    return [*filter(_is_foreign, [*point.fwd_hooks, *point.bwd_hooks])]


def _is_foreign(handle: Any) -> bool:
    hook = handle.user_hook
    # TransformerLens puts hooks of its own on some architectures (OPT).
    by_library = str(getattr(hook, "__module__", "")).startswith("transformer_lens.")
    return hook not in ours and not by_library
