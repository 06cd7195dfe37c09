"""What a metric owes to each edge of a part of a model, in a run along that part.

A share of each edge is let through, the rest is read on the corrupt prompt (Bhaskar et al. 2024,
Finding Transformer Circuits with Edge Pruning, section 3: a mask of the edges). The slope of the
metric with respect to these shares is taken by going through the run backwards, reader by reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.stopping import check_stop
from circuit_widgets.causal.subgraph import Subgraphs, busy_of, few, mlp_writes

if TYPE_CHECKING:
    from circuit_widgets.causal.first_order import Measure


class MaskSlopes(Subgraphs):
    """Subgraphs of which slopes can be taken, too; see `Subgraphs` for its arguments.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = load_model()
    >>> clean, corrupt = (model.to_tokens(text) for text in ("blue dog blue", "blue cat blue"))
    >>> nodes = nodes_of(model)
    >>> runs = MaskSlopes(model, nodes, clean, corrupt)
    >>> runs.slopes(nodes.allowed.float(), lambda logits: logits[:, -1, 5]).shape
    torch.Size([1, 9, 25])
    """

    def slopes(
        self, shares: Float[Tensor, "source target"], measure: Measure
    ) -> Float[Tensor, "batch source target"]:
        """Slopes of the metric at the share of each edge, of each prompt.

        It is 0 at readers that nothing is let through to, which are not looked at.
        """
        nodes = self._nodes
        weights = (shares * nodes.allowed).to(self._device, torch.float32) * self._heard
        run = self._run(weights[None, None])
        back = _Back(run, weights, [nodes.n_before(target.stage) for target in nodes.targets])
        n_layers = len(nodes.heads)
        output = nodes.targets_of(n_layers, "logits").start
        end = self._end(run, weights[None, None])
        back.to([output], self._slope_at_end(end[0, 0], measure)[None])
        for layer in reversed(range(n_layers)):
            check_stop()
            if nodes.mlps[layer] == "after":
                self._back_mlp(layer, back)
            self._back_heads(layer, back)
            if nodes.mlps[layer] == "beside":
                self._back_mlp(layer, back)
        return back.slopes * self._heard

    def _slope_at_end(
        self, end: Float[Tensor, "batch pos d"], measure: Measure
    ) -> Float[Tensor, "batch pos d"]:
        last = len(self._nodes.heads) - 1
        end = end.to(self._corrupt.last.dtype).detach().requires_grad_()
        edit = capture.patch("resid_post", {last: end})
        tokens, key = self._corrupt.inputs.tokens, ("resid_post", last)
        got = capture.gradients(self._model, tokens, [("resid_post", {last})], measure, [edit])
        return got.slopes[key].float()

    def _back_mlp(self, layer: int, back: _Back) -> None:
        busy = busy_of(back.weights[None, None], self._nodes.targets_of(layer, "mlp"))
        if not busy:
            return
        at, inputs = self._nodes.source_at[f"{layer}.mlp"], self._corrupt.inputs
        seen = self._averaged(self._corrupt.before_mlp(self._nodes, layer)) + self._sees(back, busy)
        with torch.enable_grad():
            rows = seen.flatten(0, 2).to(inputs.stream(layer).dtype).detach().requires_grad_()
            out = mlp_writes(self._model, self._nodes, inputs, layer, rows, slopes=True)
            owed = back.owed[:, at].unflatten(1, rows.shape[1:])
            (slope,) = torch.autograd.grad(out, rows, owed)
        back.to(busy, slope[None].float())

    def _back_heads(self, layer: int, back: _Back) -> None:
        stream = self._corrupt.inputs.stream(layer)
        base = self._averaged(stream.float())
        edits: list[capture.Intervention] = []
        leaves: list[tuple[Sequence[int], Tensor]] = []
        with torch.enable_grad():
            for entry in ("q", "k", "v"):
                busy = busy_of(back.weights[None, None], self._nodes.targets_of(layer, entry))
                if not busy:
                    continue
                values = self._as_ever(layer, entry, base).clone()
                for some in few(busy, base.numel()):
                    seen = (base + self._sees(back, some)).detach().requires_grad_()
                    self._fill(values, layer, entry, some, seen)
                    leaves.append((some, seen))
                edits.append(capture.patch(entry, {layer: values}))
            if not edits:
                return
            written = self._written(layer, base, 1, edits, slopes=True)[0]
            owed = back.owed[:, self._nodes.heads_of(layer)].unflatten(2, base.shape[1:])
            owed = owed.permute(2, 1, 0, 3)
            slopes = torch.autograd.grad(written, [seen for _, seen in leaves], owed)
        back.to([at for some, _ in leaves for at in some], torch.cat([*slopes])[:, 0])

    def _sees(self, back: _Back, targets: Sequence[int]) -> Float[Tensor, "target 1 batch pos d"]:
        return self._seen(back.run, back.weights[None, None], targets)


class _Back:
    """The way backwards: what the metric owes to what each source writes, and to each edge.

    Attributes:
        run: How far each source is from what is read along other edges.
        weights: How much of each edge is let through.
        owed: d metric / d what a source writes, complete once all its readers have been gone to.
        slopes: d metric / d weight of each edge, of each prompt.
    """

    def __init__(
        self,
        run: Float[Tensor, "1 pos source batch d"],
        weights: Float[Tensor, "source target"],
        before: Sequence[int],
    ) -> None:
        self.run, self.weights, self._before = run, weights, before
        # A prompt's row is all that a source writes at all positions, so that what is owed to all
        # sources is one product, and no copy.
        self._change = run[0].permute(2, 1, 0, 3).flatten(2).contiguous()
        self.owed: Float[Tensor, "batch source pos_d"] = torch.zeros_like(self._change)
        self.slopes = run.new_zeros(len(self._change), *weights.shape)

    def to(self, targets: Sequence[int], slope: Float[Tensor, "target batch pos d"]) -> None:
        """Go back from some targets of one stage to all that they read."""
        n, each = self._before[targets[0]], [*targets]
        rows = slope.transpose(0, 1).flatten(2)
        self.slopes[:, :n, each] = self._change[:, :n] @ rows.transpose(1, 2)
        weights = self.weights[:n, each].expand(len(rows), -1, -1)
        self.owed[:, :n].baddbmm_(weights, rows)
