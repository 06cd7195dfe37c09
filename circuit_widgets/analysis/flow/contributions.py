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
from circuit_widgets.capture.stopping import check_stop
from circuit_widgets.weights.heads import normalises_after
from circuit_widgets.weights.writing import PartsMissing, writing

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# What a head carries of an edge is kept if it is at least this share of the query's stream, so that
# no stream has more than 200 of them.
LEAST_PART = 0.005
# Values of the parts in flight: 64 MB in float32.
_CHUNK = 2**24
# How far the parts may be from the stream they should sum up to, as a share of its largest value.
_TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 6e-2}


class Routes:
    """Contributions of a pass, layer by layer: give its `reducers` to a run of one prompt.

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
        mlp: Share of the MLP's output in the stream after the layer, [layer, query]. It comes from
            the query's own stream, so that it stays on its route.
        attention: Mean of the pattern over heads, [layer, query, key].
    """

    def __init__(self, model: TransformerBridge, n: int) -> None:
        if normalises_after(model):
            raise RuntimeError(
                "routes cannot be traced in this architecture: it normalises the residual stream "
                "itself after each part, so that no part stays what it was when it was added"
            )
        self._model, self._n_layers = model, len(model.blocks)
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
            _Watch(site, lambda _, tensor, site=site: keep(site, tensor[0].float()))
            for site in self._sites
        ]
        return [*watching, _Watch("resid_post", self._add)]

    def _add(self, layer: int, post: Float[Tensor, "1 pos d_model"]) -> None:
        seen = dict(self._seen)
        self._seen.clear()
        after = post[0].float()
        pattern, stream, value = seen["pattern"], seen["resid_pre"], seen["v"]
        out = seen["attn_out"]
        mlp = seen.get("mlp_out")
        try:
            found = writing(self._model, layer, seen["z"], out)
        except PartsMissing as error:
            raise RuntimeError(
                f"routes cannot be traced in this architecture: {error}"
                f"{capture.blamed(self._model)}"
            ) from error
        # Several heads share the values of one.
        value = value.repeat_interleave(pattern.shape[0] // value.shape[1], 1)
        # A norm after attention, held as it was here, scales all that a query is given.
        scaled = pattern * found.factor[:, 0, None]
        written = torch.einsum("hqk,khd,hde->qe", scaled, value, found.o) + found.constant
        whole = stream + out + (0 if mlp is None else mlp)
        self._check(layer, post.dtype, (written, out), (whole, after))

        last = layer == self._n_layers - 1
        # Of the last layer only the position that is read.
        at = slice(len(after) - 1 if last else 0, len(after))
        beside = [stream] if mlp is None or not self._parallel else [stream, mlp]
        total = after if self._parallel else stream + out
        shares, heads, others, by_head = _shares(
            scaled[:, at], value, found.o, total[at], [side[at] for side in beside], at.start
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
            middle, added = _nearness(total[at], after[at]), _nearness(mlp[at], after[at])
            self.mlp[layer, at] = (added / (middle + added)).cpu()

    def _check(self, layer: int, dtype: torch.dtype, *pairs: tuple[Tensor, Tensor]) -> None:
        """The parts have to be all there is; NaN passes, and stays NaN."""
        for parts, whole in pairs:
            most = _TOLERANCE.get(dtype, 1e-3) * max(1e-3, float(whole.abs().max()))
            if bool(((parts - whole).abs() > most).any()):
                raise RuntimeError(
                    f"routes cannot be traced in this architecture: the parts of layer {layer} do "
                    "not add up to what stands after it (values that are normalised or gated after "
                    f"they are read, or something else that is added){capture.blamed(self._model)}"
                )


class _Watch:
    """A reducer made of a function."""

    def __init__(self, site: str, see: Callable[[int, Tensor], None]) -> None:
        self.site, self._see = site, see

    def see(self, layer: int, tensor: Tensor) -> None:
        self._see(layer, tensor)


def _nearness(part: Float[Tensor, "... d_model"], total: Tensor) -> Float[Tensor, ...]:
    """How much nearer the sum is to a part than to nothing, at least 0."""
    # Element by element, so that a part that is 0 gives 0 and not the rounding of two large sums.
    return (total.abs() - (total - part).abs()).sum(-1).clamp_min(0)


def _shares(
    pattern: Float[Tensor, "head query key"],
    value: Float[Tensor, "key head d_head"],
    w_o: Float[Tensor, "head d_head d_model"],
    total: Float[Tensor, "query d_model"],
    beside: list[Float[Tensor, "query d_model"]],
    first: int,
) -> tuple[
    Float[Tensor, "query key"],
    Int[Tensor, "query key"],
    Float[Tensor, "beside query"],
    Float[Tensor, "head query key"],
]:
    """Contributions of keys, the strongest head of each, what came from the query itself, by head.

    `first` is the position of the first query. Parts `beside` attention come from the query's own
    stream and are in its contribution to itself.
    """
    near = _nearness_by_head(pattern, value, w_o, total, first)
    own = torch.stack([_nearness(side, total) for side in beside])
    rows = torch.arange(pattern.shape[1], device=total.device)
    itself = first + rows
    near_keys = near.sum(0)
    near_keys[rows, itself] += own.sum(0)
    whole = near_keys.sum(-1, keepdim=True)
    # A sum that no part is near to: what is there stays on the residual stream.
    lost = whole[:, 0] == 0
    near_keys[rows[lost], itself[lost]] = 1
    whole = whole.masked_fill(whole == 0, 1)
    own, near = own / whole.T, near / whole
    own[0, lost] = 1
    return near_keys / whole, _strongest(near, own.sum(0), rows, itself), own, near


def _nearness_by_head(
    pattern: Float[Tensor, "head query key"],
    value: Float[Tensor, "key head d_head"],
    w_o: Float[Tensor, "head d_head d_model"],
    total: Float[Tensor, "query d_model"],
    first: int,
) -> Float[Tensor, "head query key"]:
    """How near each sum is to what each head writes from each key, some queries at a time."""
    n_heads, n_queries, n_keys = pattern.shape
    near = torch.zeros(n_heads, n_queries, n_keys, device=total.device)
    step = max(1, _CHUNK // (n_keys * total.shape[-1]))
    for head in range(n_heads):
        check_stop()
        written = value[:, head] @ w_o[head]
        for start in range(0, n_queries, step):
            rows = slice(start, min(start + step, n_queries))
            # No query of this block sees a later key.
            seen = first + rows.stop
            part = pattern[head, rows, :seen, None] * written[:seen]
            near[head, rows, :seen] = _nearness(part, total[rows, None])
    return near


def _strongest(
    near: Float[Tensor, "head query key"],
    own: Float[Tensor, " query"],
    rows: Int[Tensor, " query"],
    itself: Int[Tensor, " query"],
) -> Int[Tensor, "query key"]:
    """The head that carries most from each key; -1: none, or the query's own stream does."""
    most, heads = near.max(0)
    heads[most == 0] = -1
    by_stream = own >= most[rows, itself]
    heads[rows, itself] = torch.where(by_stream, -1, heads[rows, itself])
    return heads
