"""What each part of a layer contributes to a position, and the routes that adds up to.

A layer writes, at a query, its residual stream and the output of each head from each key. The
contribution of a part x to their sum y is how much nearer y is to it than to nothing:
max(|y| - |x - y|, 0), with L1 norms, over the sum of all parts (Ferrando & Voita 2024, Information
Flow Routes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.analysis.flow.nearness import nearness, shares_of
from circuit_widgets.analysis.flow.trials import ROWS, comes_from_itself, edits, gate_of
from circuit_widgets.weights.heads import normalises_after
from circuit_widgets.weights.writing import PartsMissing, writing

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# What a head carries of an edge is kept if it is at least this share of the query's stream, so that
# no stream has more than 200 of them.
LEAST_PART = 0.005
# How far the parts may be from the stream they should sum up to, as a share of its largest value.
_TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 6e-2}


class NotPlain(RuntimeError):
    """A layer adds something else than its values through W_O and its MLP's output."""


def traced(
    model: TransformerBridge, ids: Int[Tensor, " pos"]
) -> tuple[Routes, Float[Tensor, "1 pos vocab"]]:
    """The routes of a prompt and its logits, by one pass; by a second one where it needs a trial.

    Raises:
        RuntimeError: The parts of a layer do not add up to what stands after it.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> routes, logits = traced(model, model.to_tokens("blue dog blue dog")[0])
    >>> routes.contributions.shape
    torch.Size([2, 5, 5])
    """
    routes = Routes(model, len(ids))
    try:
        return routes, capture.run(model, ids[None], routes.reducers)
    except NotPlain:
        routes = Routes(model, len(ids), trial=True)
        rows = ids.expand(ROWS, -1)
        return routes, capture.run(model, rows, routes.reducers, edits())[:1]


class Routes:
    """Contributions of a pass, layer by layer: give its `reducers` to a run of one prompt.

    A head's output may be gated before W_O, and a layer may add something else than its MLP's
    output, if the gate and what is added come from the query's own stream. That is found out with
    a `trial`: the run is then of the prompt `trials.ROWS` times, with `trials.edits`.

    Attributes:
        contributions: Share of what stands at a query after the layer that comes from a key's
            stream before it, [layer, query, key]. Rows sum to 1. NaN: the query's stream after the
            last layer is not read.
        heads: The head that carries most of it, -1 if it is the residual stream, or nothing,
            [layer, query, key].
        parts: Shares that single heads carry, those of `LEAST_PART` or more, by layer: their
            places [part, (layer, head, query, key)] and the shares [part].
        residual: Share that is the query's own stream, which no head moves (and, beside attention,
            the MLP's output), [layer, query].
        mlp: Share of the MLP's output in the stream after the layer, [layer, query], with whatever
            else is added there. It comes from the query's own stream, so that it stays on its
            route.
        attention: Mean of the pattern over heads, [layer, query, key].
    """

    def __init__(self, model: TransformerBridge, n: int, *, trial: bool = False) -> None:
        if normalises_after(model):
            raise RuntimeError(
                "routes cannot be traced in this architecture: it normalises the residual stream "
                "itself after each part, so that no part stays what it was when it was added"
            )
        self._model, self._n_layers, self._trial = model, len(model.blocks), trial
        shape = (self._n_layers, n, n)
        self.contributions: Float[Tensor, "layer query key"] = torch.full(shape, torch.nan)
        self.heads: Int[Tensor, "layer query key"] = torch.full(shape, -1)
        self.mlp: Float[Tensor, "layer query"] = torch.full(shape[:2], torch.nan)
        self.residual: Float[Tensor, "layer query"] = torch.full(shape[:2], torch.nan)
        self.parts: list[tuple[Int[Tensor, "part 4"], Float[Tensor, " part"]]] = []
        self.attention: Float[Tensor, "layer query key"] = torch.full(shape, torch.nan)
        self._seen: dict[str, Tensor] = {}
        # A block without an MLP, and one whose MLP reads what attention reads, have no middle.
        self._parallel = model.get_hook_point("blocks.0.hook_resid_mid") is None
        self._sites = ["resid_pre", "v", "pattern", "z", "attn_out"]
        if model.get_hook_point("blocks.0.hook_mlp_out") is not None:
            self._sites.append("mlp_out")

    @property
    def reducers(self) -> list[capture.Reducer]:
        """In the order of a block: the last sees that a layer is complete."""
        keep = self._seen.__setitem__
        watching: list[capture.Reducer] = [
            _Watch(site, lambda _, tensor, site=site: keep(site, tensor.float()))
            for site in self._sites
        ]
        return [*watching, _Watch("resid_post", self._add)]

    def _add(self, layer: int, post: Float[Tensor, "row pos d_model"]) -> None:
        rows = dict(self._seen)
        self._seen.clear()
        seen = {site: tensor[0] for site, tensor in rows.items()}
        after = post[0].float()
        pattern, stream, value = seen["pattern"], seen["resid_pre"], seen["v"]
        out = seen["attn_out"]
        try:
            found = writing(self._model, layer, seen["z"].to(post.dtype), out.to(post.dtype))
        except PartsMissing as error:
            raise RuntimeError(
                f"routes cannot be traced in this architecture: {error}"
                f"{capture.blamed(self._model)}"
            ) from error
        # Several heads share the values of one.
        value = value.repeat_interleave(pattern.shape[0] // value.shape[1], 1)
        gate = self._gate(layer, rows, value, post.dtype)
        mlp = self._besides(layer, rows, post)
        # A norm after attention, held as it was here, scales all that a query is given.
        scaled = pattern * found.factor[:, 0, None]

        last = layer == self._n_layers - 1
        # Of the last layer only the position that is read.
        at = slice(len(after) - 1 if last else 0, len(after))
        beside = [stream] if mlp is None or not self._parallel else [stream, mlp]
        total = after if self._parallel else stream + out
        shares, heads, others, by_head = shares_of(
            scaled[:, at],
            value,
            found.o,
            total[at],
            [side[at] for side in beside],
            at.start,
            None if gate is None else gate[at],
        )
        self.contributions[layer, at] = shares.cpu()
        self.heads[layer, at] = heads.cpu()
        self.residual[layer, at] = others.sum(0).cpu()
        places = (by_head >= LEAST_PART).nonzero()
        values = by_head[tuple(places.T)].cpu()
        places = places.cpu() + torch.tensor([0, at.start, 0])
        layers = torch.full((len(places), 1), layer)
        self.parts.append((torch.cat([layers, places], 1), values))
        self.attention[layer, at] = pattern[:, at].mean(0).cpu()
        if mlp is not None and self._parallel:
            self.mlp[layer, at] = others[1].cpu()
        elif mlp is not None:
            middle, added = nearness(total[at], after[at]), nearness(mlp[at], after[at])
            self.mlp[layer, at] = (added / (middle + added)).cpu()

    def _gate(
        self,
        layer: int,
        rows: dict[str, Tensor],
        value: Float[Tensor, "key head d_head"],
        dtype: torch.dtype,
    ) -> Float[Tensor, "query head d_head"] | None:
        """What the values are multiplied by at each query, once attention has mixed them."""
        mixed = torch.einsum("hqk,khd->qhd", rows["pattern"][0], value)
        z = rows["z"][0]
        if _same(mixed, z, dtype):
            return None
        gate = gate_of(rows["z"], rows["pattern"], mixed) if self._trial else None
        if gate is None or not _same(gate * mixed, z, dtype):
            raise NotPlain(
                f"routes cannot be traced in this architecture: what the heads of layer {layer} "
                "write is not what they attend to, times what depends on the query (values that "
                f"are normalised after they are read){capture.blamed(self._model)}"
            )
        return gate

    def _besides(
        self, layer: int, rows: dict[str, Tensor], post: Float[Tensor, "row pos d_model"]
    ) -> Float[Tensor, "pos d_model"] | None:
        """What is added besides attention, if anything: the MLP's output, or more."""
        after, before = post.float(), rows["resid_pre"] + rows["attn_out"]
        mlp = rows.get("mlp_out")
        whole = before if mlp is None else before + mlp
        if _same(whole[0], after[0], post.dtype):
            return None if mlp is None else mlp[0]
        added = after - before
        if not self._trial or not comes_from_itself(added, _most(after[0], post.dtype)):
            raise NotPlain(
                "routes cannot be traced in this architecture: what stands after layer "
                f"{layer} has something in it besides attention that comes from other positions (a "
                "state-space part beside it, or another mixer)"
                f"{capture.blamed(self._model)}"
            )
        return added[0]


def _same(parts: Tensor, whole: Tensor, dtype: torch.dtype) -> bool:
    """The parts have to be all there is; NaN passes, and stays NaN."""
    return not bool(((parts - whole).abs() > _most(whole, dtype)).any())


def _most(whole: Tensor, dtype: torch.dtype) -> float:
    return _TOLERANCE.get(dtype, 1e-3) * max(1e-3, float(whole.abs().nan_to_num().max()))


class _Watch:
    """A reducer made of a function."""

    def __init__(self, site: str, see: Callable[[int, Tensor], None]) -> None:
        self.site, self._see = site, see

    def see(self, layer: int, tensor: Tensor) -> None:
        self._see(layer, tensor)
