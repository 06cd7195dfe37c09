"""What a pass leaves for its later layers, and questions to a model's parts beside its pass.

A fault that stands on a model (standing.py) may need, in a layer, what an earlier one wrote. A pass
that begins later (a replay, a resumed run) is given what the run had left there.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

_left: weakref.WeakKeyDictionary[TransformerBridge, dict[str, Tensor]] = weakref.WeakKeyDictionary()
# Models of which a part is being asked beside the pass: nobody's reducers are to see it.
aside: weakref.WeakSet[TransformerBridge] = weakref.WeakSet()


def leave(model: TransformerBridge, name: str, value: Tensor) -> None:
    """Leave something for the later layers of this pass."""
    _left.setdefault(model, {})[name] = value


def found(model: TransformerBridge, name: str) -> Tensor:
    """What an earlier layer of this pass has left.

    Raises:
        RuntimeError: Nothing: this pass did not begin with that layer, and nobody kept it.
    """
    if name not in _left.get(model, {}):
        raise RuntimeError(
            f"this pass began after the layer that writes {name}; keep the inputs of a run that "
            "was made under the same fault"
        )
    return _left[model][name]


def left_behind(model: TransformerBridge) -> dict[str, Tensor]:
    """All that has been left in this pass until now.

    >>> from circuit_widgets import load_model
    >>> left_behind(load_model())
    {}
    """
    return dict(_left.get(model, ()))


def recall(model: TransformerBridge, left: Mapping[str, Tensor], times: int = 1) -> None:
    """Begin a pass in the middle: what had been left there, for a batch that is `times` as long."""
    if left:
        _left[model] = {name: value.repeat(times, 1, 1) for name, value in left.items()}
    else:
        _left.pop(model, None)


@contextmanager
def beside_the_pass(model: TransformerBridge) -> Iterator[None]:
    """Within, a part of the model that is called is seen by nobody: no reducer, no edit, no fault.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> with beside_the_pass(model):
    ...     model in aside
    True
    """
    aside.add(model)
    try:
        yield
    finally:
        aside.discard(model)
