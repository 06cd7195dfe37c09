"""One lock per model: hooks live on the model, and widgets ask from other threads."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class _Gate:
    def __init__(self) -> None:
        # An RLock only because it knows whose it is: see the `finally` below.
        self.inside = threading.RLock()
        # Who waits holds this one. Without it a thread that lets go and comes back at once, as an
        # analysis does between its passes, would keep everyone else out until it is finished.
        self.next = threading.Lock()
        self.owner: int | None = None


_gates: weakref.WeakKeyDictionary[TransformerBridge, _Gate] = weakref.WeakKeyDictionary()
_making = threading.Lock()


@contextmanager
def lock(model: TransformerBridge) -> Iterator[None]:
    """The model for this thread alone, inside a `with`.

    A thread that has it may take it again. Who waits gets it before who had it last.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> with capture.lock(model), capture.lock(model):
    ...     pass
    """
    with _making:
        gate = _gates.setdefault(model, _Gate())
    # Only this thread ever sets its own number, so no other can make this true or false meanwhile.
    me = threading.get_ident()
    if gate.owner == me:
        yield
        return
    try:
        with gate.next:
            gate.inside.acquire()
        gate.owner = me
        yield
    finally:
        # Ctrl-C may have come while this waited, or just after it got in.
        if gate.owner == me:
            gate.owner = None
        try:  # noqa: SIM105  (`suppress` is a call, and Ctrl-C can come after any)
            gate.inside.release()
        except RuntimeError:
            pass  # It was not this thread's.
