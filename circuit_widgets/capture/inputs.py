"""What each layer of a run was given: enough to run it again (replay.py)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.capture.asides import left_behind
from circuit_widgets.capture.edits import Intervention, plan_interventions
from circuit_widgets.capture.hooks import Hooks

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class BlockInputs:
    """What each layer was given in a run: put it among the reducers.

    It keeps references, no copies: one residual stream [batch, pos, d_model] a layer, and what the
    layers share (masks, rotary positions) once. A new run replaces it.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> inputs = capture.BlockInputs()
    >>> _ = capture.run(model, ids, [inputs])
    >>> inputs.layers
    [0, 1]
    """

    def __init__(self) -> None:
        self._calls: dict[int, tuple[tuple, dict[str, Any]]] = {}
        self._left: dict[int, dict[str, Tensor]] = {}
        self.interventions: Collection[Intervention] = ()
        self._tokens: Int[Tensor, "batch pos"] | None = None

    def start(
        self,
        hooks: Hooks,
        n_layers: int,
        tokens: Int[Tensor, "batch pos"],
        interventions: Collection[Intervention] = (),
    ) -> None:
        """Forget the last run and plan the hooks of the next; `run` calls it."""
        self._calls, self._left = {}, {}
        self.interventions = tuple(interventions)
        self._tokens = tokens
        for layer in range(n_layers):

            def keep(args: tuple, kwargs: dict[str, Any], layer: int = layer) -> None:
                plain = {name: _plain(value) for name, value in kwargs.items()}
                if "use_cache" in plain and plain.get("past_key_values") is None:
                    plain["use_cache"] = False
                self._calls[layer] = (tuple(map(_plain, args)), plain)
                if left := left_behind(hooks.model):
                    self._left[layer] = left

            hooks.before_block(layer, keep)

    @property
    def layers(self) -> list[int]:
        """The layers whose inputs are there: all, or those a broken-off run got to."""
        return sorted(self._calls)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that are held, each once."""
        storages = {
            (tensor.device, tensor.untyped_storage().data_ptr()): tensor.untyped_storage().nbytes()
            for call in [*self._calls.values(), *self._left.values()]
            for tensor in _tensors(call)
        }
        return sum(storages.values())

    def call(self, layer: int) -> tuple[tuple, dict[str, Any]]:
        """The arguments and keyword arguments of a layer's block.

        Raises:
            ValueError: The layer has not been seen.
        """
        if layer not in self._calls:
            raise ValueError(
                f"the input of layer {layer} has not been kept; accepted are layers "
                f"{', '.join(map(str, self.layers)) or '(none: give it to a run first)'}"
            )
        return self._calls[layer]

    def stream(self, layer: int) -> Float[Tensor, "batch pos d_model"]:
        """The residual stream that a layer was given."""
        args, kwargs = self.call(layer)
        return args[0] if args else kwargs["hidden_states"]

    def left(self, layer: int) -> dict[str, Tensor]:
        """What earlier layers had left for this one, where a fault stood on the model."""
        return self._left.get(layer, {})

    @property
    def tokens(self) -> Int[Tensor, "batch pos"]:
        """What the run read.

        Raises:
            ValueError: There was no run.
        """
        if self._tokens is None:
            raise ValueError("there was no run: give these inputs to one first")
        return self._tokens

    def times(self, layer: int, stream: Float[Tensor, "batch pos d_model"]) -> int:
        """How many times the run's batch another stream has.

        Raises:
            ValueError: It does not fit the run's.
        """
        recorded = self.stream(layer)
        times = len(stream) // len(recorded)
        if stream.shape[1:] != recorded.shape[1:] or times * len(recorded) != len(stream):
            raise ValueError(
                f"the stream has shape {list(stream.shape)}; accepted is a multiple of the run's "
                f"{list(recorded.shape)}"
            )
        return times

    def plan_interventions(self, model: TransformerBridge, hooks: Hooks, layer: int) -> None:
        """Plan the edits that the run made in a layer."""
        plan_interventions(model, hooks, self.interventions, layer)


def _plain(value: Any) -> Any:
    """A block's argument as a block that runs alone needs it: without the keys of earlier calls.

    But those of a beginning that no pass changes (`beginnings`) belong to what the block was given.
    """
    from transformers.cache_utils import Cache

    if not isinstance(value, Cache):
        return value
    kept = [getattr(layer, "unchanging", False) for layer in value.layers]
    return value if kept and all(kept) else None


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)
