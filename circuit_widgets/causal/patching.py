"""Exact patching: one node, one place of the stream, or one edge at a time, and the model runs on.

Two directions (Heimersheim & Nanda 2024, How to use and interpret activation patching): with
"noising" the clean prompt runs, and one part is what it was on the corrupt one: what is lost is
what the part is needed for. With "denoising" the corrupt prompt runs, and one part is what it was
on the clean one: what comes back is what the part is enough for.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.close import alike
from circuit_widgets.causal.cuts import gains
from circuit_widgets.causal.first_order import Measure
from circuit_widgets.causal.nodes import Nodes, Target
from circuit_widgets.causal.subgraph import mlp_writes
from circuit_widgets.causal.variants import Variants, grouped
from circuit_widgets.causal.writes import Writes, node_writes

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

DIRECTIONS = ("noising", "denoising")
# What is patched at one layer and position: the stream before it, or what a part of it adds.
SITES = ("resid_pre", "attn_out", "mlp_out")
# Tokens under way at once: more than that no device does faster.
_TOKENS, _TOKENS_GPU = 2048, 32768
# Activations as near as this, as a share of the largest, are the same but for rounding.
_SAME = 1e-6
# Float32 logits in flight: 256 MB.
_LOGITS = 2**26


class _Run:
    """One prompt's run: what each layer was given, and what its parts gave.

    Attributes:
        start: The first position that is of interest; those before are left out.
    """

    def __init__(self, model: TransformerBridge, nodes: Nodes, tokens: Tensor) -> None:
        self.start, self.inputs, self._z = 0, capture.BlockInputs(), capture.Keep("z")
        layers = range(len(nodes.heads))
        with_mlp = {layer for layer in layers if nodes.mlps[layer]}
        self._attn_out, self._mlp_out = capture.Keep("attn_out"), capture.Keep("mlp_out", with_mlp)
        readers = [self.inputs, self._z, self._attn_out, *([self._mlp_out] if with_mlp else [])]
        self.logits = capture.run(model, tokens, readers)
        self._streams = {layer: self.inputs.stream(layer) for layer in layers}

    def at(self, site: str, layer: int) -> Float[Tensor, "batch pos ..."]:
        """What stood at a site."""
        kept = {"z": self._z, "attn_out": self._attn_out, "mlp_out": self._mlp_out}
        tensors = self._streams if site == "resid_pre" else kept[site].tensors
        return tensors[layer][:, self.start :]


class Patching:
    """One batch of prompts, clean and corrupt, and what patches do to a metric.

    An effect is metric without the patch minus metric with it ("noising"), or with it minus without
    it ("denoising"): positive where the part helps the metric.

    Args:
        model: A TransformerBridge.
        nodes: Its graph; for all but edges `parts_of` will do.
        clean: Ids.
        corrupt: Ids of the same shape.
        measure: The metric, one number a prompt.
        direction: "noising" or "denoising".
        places: Positions of each prompt whose logits the metric is given, so that others need not
            be computed; None: all.

    Attributes:
        before, other: The metric on the prompt that runs, and on the one patched from.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = load_model()
    >>> clean, corrupt = (model.to_tokens(text) for text in ("blue dog blue", "blue cat blue"))
    >>> patching = Patching(model, nodes_of(model), clean, corrupt, lambda logits: logits[:, -1, 5])
    >>> patching.nodes().shape, patching.edges().shape, patching.places("resid_pre").shape
    (torch.Size([1, 9]), torch.Size([1, 9, 25]), torch.Size([1, 2, 4]))
    """

    def __init__(
        self,
        model: TransformerBridge,
        nodes: Nodes,
        clean: Int[Tensor, "batch pos"],
        corrupt: Int[Tensor, "batch pos"],
        measure: Measure,
        direction: str = "noising",
        places: Int[Tensor, "batch place"] | None = None,
    ) -> None:
        self._model, self._nodes, self._measure = model, nodes, measure
        self._places = places
        self._sign = 1 if direction == "noising" else -1
        # Which prompt runs, and whose activations are put into it.
        self._tokens = (clean, corrupt) if direction == "noising" else (corrupt, clean)
        self._run, self._other = (_Run(model, nodes, ids) for ids in self._tokens)
        self.before, self.other = (self._metric(each.logits) for each in (self._run, self._other))
        self._leave_out(model, clean, corrupt)

    def _metric(self, logits: Float[Tensor, "batch pos vocab"]) -> Float[Tensor, " batch"]:
        if self._places is not None:
            rows = torch.arange(len(logits), device=logits.device)[:, None]
            logits = logits[rows, self._places.to(logits.device)]
        return self._measure(logits).detach()

    def _leave_out(self, model: TransformerBridge, clean: Tensor, corrupt: Tensor) -> None:
        """In a causal model all is alike up to the first token that differs: it is not computed."""
        if self._places is None:
            return
        run, other, n_pos = self._run, self._other, clean.shape[1]
        differ = (clean != corrupt).any(0).nonzero()[:1].flatten().tolist()
        start = min([*differ, int(self._places.min())])
        # Of less the two passes that it takes are not worth it.
        if start * 10 < n_pos or not all(
            alike(*(each.at("resid_pre", layer)[:, :start] for each in (run, other)))
            for layer in range(len(self._nodes.heads))
        ):
            return
        inputs = capture.suffix_inputs(model, self._tokens[0], start, run.logits)
        if inputs is not None:
            run.inputs, run.start, other.start = inputs, start, start
            self._places = self._places - start

    def nodes(self) -> Float[Tensor, "batch source"]:
        """Of each source: all that it writes is the other prompt's, at every position."""
        embedding = capture.patch("resid_pre", {0: self._other.at("resid_pre", 0)})
        variants = [Variants(0, 1, lambda _: [embedding])]
        for layer in range(len(self._nodes.heads)):
            variants.append(self._heads(layer))
            if self._nodes.mlps[layer]:
                edit = capture.patch("mlp_out", {layer: self._other.at("mlp_out", layer)})
                variants.append(Variants(layer, 1, lambda _, edit=edit: [edit]))
        return self._effects(variants)

    def heads(self) -> Float[Tensor, "batch layer head"]:
        """Of each head: its z is the other prompt's, at every position. NaN: no such head."""
        found = self._effects([self._heads(layer) for layer in range(len(self._nodes.heads))])
        parts, most = found.split(self._nodes.heads, 1), max(self._nodes.heads)
        pad = torch.nn.functional.pad
        return torch.stack([pad(x, (0, most - x.shape[1]), value=torch.nan) for x in parts], 1)

    def places(self, site: str) -> Float[Tensor, "batch layer pos"]:
        """Of one site of each layer at each position; NaN where a layer has no such part.

        Exactly 0 where both prompts have the same there.

        site: "resid_pre", the stream before the layer, or what is added to it, "attn_out" or
            "mlp_out".
        """
        n_layers, (n_batch, n_pos) = len(self._nodes.heads), self._tokens[0].shape
        there = [at for at in range(n_layers) if site != "mlp_out" or self._nodes.mlps[at]]
        found = torch.full((n_batch, n_layers, n_pos), torch.nan, device=self.before.device)
        effects = self._effects([self._positions(site, layer) for layer in there])
        effects = effects.unflatten(1, (len(there), -1))
        for at, layer in enumerate(there):
            own, put = self._run.at(site, layer), self._other.at(site, layer)
            apart = (own.float() - put.float()).abs().amax(-1)
            effects[:, at].masked_fill_(apart <= _SAME * float(own.abs().max()), 0)
        before = n_pos - effects.shape[2]
        found[:, there] = torch.nn.functional.pad(effects, (before, 0))
        return found

    def edges(
        self, only: Sequence[tuple[int, ...]] | None = None
    ) -> Float[Tensor, "batch *pos source target"]:
        """Of each edge: one reader sees one source's write on the other prompt (path patching).

        only: (source, target) pairs, or (position, source, target), to patch each at one position;
            others are NaN. A layer's rest runs for each edge: for small models, or a few edges.
        """
        nodes = self._nodes
        wanted = nodes.allowed.clone()
        if only is not None:
            placed = [self._tokens[0].shape[1]] * (len(only[0]) - 2)
            wanted = torch.zeros(*placed, *wanted.shape, dtype=torch.bool)
            wanted[tuple(torch.tensor([*only]).T)] = True
        found = torch.full((len(self.before), *wanted.shape), torch.nan, device=self.before.device)
        target, *places, source = (wanted & nodes.allowed).movedim(-1, 0).nonzero().T
        ways: list[Variants] = []
        for at, each in enumerate(nodes.targets):
            some = target == at
            if bool(some.any()):
                positions = places[0][some].tolist() if places else None
                ways.append(self._into(each, source[some].tolist(), positions))
        whole = self._writes[0].inputs
        found[(slice(None), *places, source, target)] = self._effects(ways, whole)
        return found

    @functools.cached_property
    def _writes(self) -> tuple[Writes, Float[Tensor, "source batch pos d_model"]]:
        """The run as a sum, and how far each source's write is from it on the other prompt."""
        own, other = (node_writes(self._model, ids, self._nodes) for ids in self._tokens)
        return own, (other.parts - own.parts).movedim(2, 0)

    def _heads(self, layer: int) -> Variants:
        own, put = self._run.at("z", layer), self._other.at("z", layer)

        def edits(some: Sequence[int]) -> list[capture.Intervention]:
            z = own.repeat(len(some), 1, 1, 1).unflatten(0, (len(some), -1))
            z[range(len(some)), :, :, list(some)] = put.movedim(2, 0)[list(some)]
            return [capture.patch("z", {layer: z.flatten(0, 1)})]

        return Variants(layer, self._nodes.heads[layer], edits)

    def _positions(self, site: str, layer: int) -> Variants:
        put = self._other.at(site, layer)

        def edits(some: Sequence[int]) -> list[capture.Intervention]:
            def change(_: int, tensor: Tensor) -> Tensor:
                # The tensor's own rows, not the run's: a patch of one place leaves the others.
                rows = tensor.clone().unflatten(0, (len(some), -1))
                rows[range(len(some)), :, list(some)] = put.movedim(1, 0)[list(some)].to(rows)
                return rows.flatten(0, 1)

            return [capture.Edit(site, frozenset({layer}), change)]

        return Variants(layer, put.shape[1], edits)

    def _into(
        self, target: Target, sources: list[int], positions: list[int] | None = None
    ) -> Variants:
        layer = min(target.layer, len(self._nodes.heads) - 1)
        run, change = self._writes
        inputs, dtype = run.inputs, run.inputs.stream(layer).dtype
        heard = gains(self._model, self._nodes)[:, self._nodes.targets.index(target)]
        change = change * heard.to(change.device)[:, None, None, None]

        def edits(some: Sequence[int]) -> list[capture.Intervention]:
            each = change[[sources[at] for at in some]]
            if positions is not None:
                here = torch.zeros(len(some), each.shape[2], 1, device=each.device)
                here[range(len(some)), [positions[at] for at in some]] = 1
                each = each * here[:, None]
            if target.entry == "logits":
                rows = (run.last.float() + each).flatten(0, 1)
                return [capture.patch("resid_post", {layer: rows.to(run.last.dtype)})]
            if target.entry == "mlp":
                rows = (run.before_mlp(self._nodes, layer) + each).flatten(0, 1).to(dtype)
                out = mlp_writes(self._model, self._nodes, inputs, layer, rows)
                return [capture.patch("mlp_out", {layer: out})]
            rows = (inputs.stream(layer).float() + each).flatten(0, 1).to(dtype)
            read = capture.replay(self._model, inputs, layer, [target.entry], rows)
            values = {layer: read[target.entry]}
            return [capture.patch(target.entry, values, heads=(layer, target.index))]

        return Variants(layer, len(sources), edits)

    def _effects(
        self, variants: Sequence[Variants], whole: capture.BlockInputs | None = None
    ) -> Float[Tensor, "batch variant"]:
        """Of all variants, earlier layers first, as many in one pass as are worth it.

        whole: what the layers were given in a run that leaves no position out.
        """
        inputs, found = whole or self._run.inputs, []
        places = self._places
        if whole is not None and places is not None:
            places = places + self._run.start
        for group in grouped(variants, self._at_once):
            branches = [
                capture.Branch(each.layer, len(some), each.edits(some)) for each, some in group
            ]
            logits = capture.branch(self._model, inputs, branches, places)
            parts = logits.split(len(self.before))
            each = torch.stack([self._measure(part) for part in parts])
            found.append(self._sign * (self.before - each))
        return torch.cat(found).T.detach()

    @property
    def _at_once(self) -> int:
        on_cpu = str(self._model.cfg.device) == "cpu"
        tokens = self._tokens[0].numel() - self._run.start * len(self._tokens[0])
        rows = (_TOKENS if on_cpu else _TOKENS_GPU) // tokens
        kept = self._tokens[0] if self._places is None else self._places
        logits = _LOGITS // (kept.numel() * int(self._model.cfg.d_vocab))
        return max(1, min(rows, logits))
