"""Many passes that begin alike: the keys and values of the beginning are computed once."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.capture.beginnings import cut_off, plain_layers, takes_cache
from circuit_widgets.capture.close import close
from circuit_widgets.capture.edits import Intervention, plan_interventions
from circuit_widgets.capture.foreign import blamed, foreign_hooks
from circuit_widgets.capture.hooks import Hooks
from circuit_widgets.capture.run import settings

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class Prefix:
    """One pass over a prompt; `run` then runs sequences that share its beginning.

    In a causal model the keys and values of the beginning do not depend on what follows. A Hugging
    Face model takes them from its first pass, as when it generates, and computes the rest of each
    sequence only. A model without such a cache (TransformerLens' own), or whose cache gives other
    logits, or with hooks of the user's own, runs whole sequences; `shared` says which.

    Attributes:
        logits: Of the prompt itself, its last `last` positions, in the model's dtype.
        shared: Whether the beginning is computed once.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> prefix = capture.Prefix(model, ids)
    >>> prefix.run(3, ids[:, 3:].repeat(4, 1), last=1).shape[:2]
    torch.Size([4, 1])
    """

    logits: Float[Tensor, "1 last vocab"]

    def __init__(
        self,
        model: TransformerBridge,
        tokens: Int[Tensor, "1 pos"],
        *,
        last: int | None = None,
    ) -> None:
        """Run the prompt, and one changed copy of it to see that its beginning stays as it was.

        Args:
            model: A model that `check_model` accepts.
            tokens: Ids of one prompt.
            last: How many positions' logits are kept, from the end; None is all.

        Raises:
            ValueError: Not one prompt.
            RuntimeError: The model is not causal: what follows changes what was before.
        """
        if tokens.ndim != 2 or len(tokens) != 1 or not tokens.numel():
            raise ValueError(f"tokens have shape {list(tokens.shape)}; accepted is [1, pos]")
        self._model = model
        self._tokens = tokens.to(model.cfg.device)
        self._layers: list[Any] = []
        self._whole: Tensor | None = None
        self.shared = False
        n = tokens.shape[1]
        last = n if last is None else last
        # Every position after the middle changed, in one row.
        middle = n // 2
        changed = (self._tokens[:, middle:] + 1) % int(model.cfg.d_vocab)
        clean, cache = self._first()
        self.logits = clean[:, n - min(last, n) :]
        if middle:
            self._whole = clean
            expected = self.run(middle, changed)
            self._whole = None
            # A hook of the user's own may count positions from the beginning of the prompt.
            if cache is not None and not foreign_hooks(model):
                self.shared = self._share(middle, changed, expected, cache)
        if not self.shared:
            self._whole = clean

    def run(
        self,
        start: int,
        rows: Int[Tensor, "batch suffix"],
        *,
        last: int | None = None,
        interventions: Collection[Intervention] = (),
    ) -> Float[Tensor, "batch last vocab"]:
        """Logits of the prompt's first `start` tokens followed by each row, in the model's dtype.

        Args:
            start: Where rows begin.
            rows: Each with as many tokens as the prompt has from `start` on.
            last: Of how many positions, from the end; None is all of the row.
            interventions: Edits, as in `capture.run`. They see the positions that are computed: the
                row's own, or, where whole sequences run, all; those of the beginning have to be
                left alone. A pattern has the queries that are computed, and always all keys.

        Raises:
            ValueError: Rows of another length; an edit that the model does not allow.
            RuntimeError: The model is not causal (known only where whole sequences run); an
                intervention was never reached.
        """
        n = self._tokens.shape[1]
        if rows.ndim != 2 or not 0 <= start < n or rows.shape[1] != n - start:
            raise ValueError(
                f"rows from position {start} have shape {list(rows.shape)}; accepted is "
                f"[batch, {n - start}], to the end of the prompt's {n} tokens"
            )
        rows = rows.to(self._tokens.device)
        last = n - start if last is None else min(last, n - start)
        if start and self.shared:
            return self._pass(rows, start, last, edits=interventions)
        whole = torch.cat([self._tokens[:, :start].expand(len(rows), -1), rows], 1)
        logits = self._pass(whole, edits=interventions)
        if start and self._whole is not None and not close(logits[:, :start], self._whole):
            raise RuntimeError(
                f"the model is not causal: other tokens from position {start} on change the "
                f"logits before it{blamed(self._model)}"
            )
        return logits[:, n - last :]

    def _first(self) -> tuple[Float[Tensor, "1 pos vocab"], Any]:
        """The prompt's logits, and its keys and values or None."""
        from transformers.cache_utils import DynamicCache

        if takes_cache(self._model):
            cache = DynamicCache()
            # Models keep all sorts of things in their caches. One that cannot use this one fails,
            # and is run without; a model that is broken fails there again.
            try:
                return self._pass(self._tokens, cache=cache), cache
            except Exception:
                pass
        return self._pass(self._tokens), None

    def _share(self, middle: int, changed: Tensor, expected: Tensor, cache: Any) -> bool:
        """Keep the prompt's keys and values, if the model can go on from them exactly."""
        layers = plain_layers(cache, self._tokens.shape[1])
        if layers is None:
            return False
        self._layers = layers
        try:
            if close(self._pass(changed, middle, changed.shape[1]), expected):
                return True
        except Exception:  # As in `_first`.
            pass
        self._layers = []
        return False

    def _pass(
        self,
        ids: Tensor,
        start: int = 0,
        last: int | None = None,
        cache: Any = None,
        edits: Collection[Intervention] = (),
    ) -> Float[Tensor, "batch last vocab"]:
        model = self._model
        given: dict[str, Any] = settings(model)
        accepted = inspect.signature(model.original_model.forward).parameters
        if start:
            cache = cut_off(self._layers, start)
        if cache is not None:
            given |= {"past_key_values": cache, "use_cache": True}
        # The unembedding of positions that nobody asked for is a fifth of a small model's work.
        if last is not None and "logits_to_keep" in accepted:
            given["logits_to_keep"] = last
        hooks = Hooks(model)
        plan_interventions(model, hooks, edits)
        with torch.no_grad():
            logits = hooks.around(lambda: model(ids, **given), range(len(model.blocks)))
        if hooks.waiting:
            site, layer = min(hooks.waiting)
            raise RuntimeError(f"{site!r} was never computed in layer {layer}")
        return logits if last is None else logits[:, -last:]
