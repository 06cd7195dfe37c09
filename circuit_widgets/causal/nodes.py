"""The graph that a model is, to whoever looks for circuits: who writes, who reads, who comes first.

Nodes are the embedding, every head, every MLP and the output (Elhage et al. 2021; Syed et al. 2023,
Attribution Patching Outperforms Automated Circuit Discovery). An edge goes from what a node writes
to what a later one reads. A head reads three times, by its q, k and v; where heads share keys and
values, so do the readers: there is one "k" for all heads of a group.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.hooks import has_site
from circuit_widgets.heads import Head
from circuit_widgets.weights.groups import keys_read
from circuit_widgets.weights.heads import normalises_after

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

EMBEDDING, OUTPUT = "embedding", "logits"


@dataclasses.dataclass(frozen=True)
class Source:
    """Who writes to the residual stream.

    Attributes:
        name: "embedding", "5.1" or "5.mlp".
        layer: -1 for the embedding.
        head: None if it is no head.
        stage: What reads at a later stage can see it.
    """

    name: str
    layer: int
    head: int | None
    stage: int


@dataclasses.dataclass(frozen=True)
class Target:
    """Who reads it, and by what.

    Attributes:
        name: "5.1.q", "5.0-2.k" (shared by heads 0 to 2), "5.mlp" or "logits".
        layer: The number of layers for the output.
        entry: "q", "k", "v", "mlp" or "logits".
        index: Of the query head, or of the key/value head.
        stage: It sees what was written at earlier stages.
        nodes: Names of the sources whose input it is.
    """

    name: str
    layer: int
    entry: str
    index: int
    stage: int
    nodes: tuple[str, ...]

    @property
    def moves(self) -> bool:
        """Whether what it reads is seen at later positions, too: keys and values."""
        return self.entry in ("k", "v")


@dataclasses.dataclass(frozen=True)
class Nodes:
    """Sources and targets, in the order in which the model computes them.

    Args:
        heads: Of each layer, how many heads it has.
        keys: Of each layer, how many key/value heads.
        mlps: Of each layer: "after" attention, "beside" it (in parallel), or "" without one.
        n_positions: Of a graph by position, how many there are; 0: its edges are of all at once.
        read: Of a graph by position, where the answer is read.
        key_of: Of each layer, which key/value head each head reads; () where all groups have one
            size.

    >>> nodes = Nodes((2, 2), (2, 1), ("after", ""))
    >>> [source.name for source in nodes.sources]
    ['embedding', '0.0', '0.1', '0.mlp', '1.0', '1.1']
    >>> [target.name for target in nodes.targets if target.layer == 1]
    ['1.0.q', '1.1.q', '1.0-1.k', '1.0-1.v']
    >>> int(nodes.allowed.sum())
    31
    """

    heads: tuple[int, ...]
    keys: tuple[int, ...]
    mlps: tuple[str, ...]
    n_positions: int = 0
    read: tuple[int, ...] = ()
    key_of: tuple[tuple[int, ...], ...] = ()

    def by_position(self, n_positions: int, read: Sequence[int]) -> Nodes:
        """The same graph with its edges at each position, for answers that are read at some.

        >>> nodes = Nodes((2,), (2,), ("",)).by_position(3, [2])
        >>> nodes.allowed.shape, nodes.allowed.flatten(1).sum(1).tolist()
        (torch.Size([3, 3, 7]), [4, 4, 9])
        """
        return dataclasses.replace(self, n_positions=n_positions, read=tuple(read))

    @functools.cached_property
    def anywhere(self) -> Nodes:
        """The graph whose edges are of all positions at once."""
        return dataclasses.replace(self, n_positions=0, read=())

    @functools.cached_property
    def sources(self) -> tuple[Source, ...]:
        """Who writes."""
        found = [Source(EMBEDDING, -1, None, 0)]
        for layer, n_heads in enumerate(self.heads):
            stage = 2 * layer + 1
            found += [Source(str(Head(layer, h)), layer, h, stage) for h in range(n_heads)]
            if self.mlps[layer]:
                found.append(Source(f"{layer}.mlp", layer, None, stage + 1))
        return tuple(found)

    @functools.cached_property
    def targets(self) -> tuple[Target, ...]:
        """Who reads."""
        found: list[Target] = []
        for layer, n_heads in enumerate(self.heads):
            stage, reads = 2 * layer + 1, self.keys_of(layer)
            for head in range(n_heads):
                name = str(Head(layer, head))
                found.append(Target(f"{name}.q", layer, "q", head, stage, (name,)))
            for entry in ("k", "v"):
                for key in range(self.keys[layer]):
                    first, last = reads.index(key), n_heads - 1 - reads[::-1].index(key)
                    label = f"{layer}.{first}" if first == last else f"{layer}.{first}-{last}"
                    names = tuple(str(Head(layer, head)) for head in range(first, last + 1))
                    found.append(Target(f"{label}.{entry}", layer, entry, key, stage, names))
            if self.mlps[layer]:
                sees = stage + 1 if self.mlps[layer] == "after" else stage
                name = f"{layer}.mlp"
                found.append(Target(name, layer, "mlp", 0, sees, (name,)))
        n_layers = len(self.heads)
        return (*found, Target(OUTPUT, n_layers, "logits", 0, 2 * n_layers + 2, (OUTPUT,)))

    def keys_of(self, layer: int) -> tuple[int, ...]:
        """Which key/value head each head of a layer reads."""
        n_heads, n_keys = self.heads[layer], self.keys[layer]
        even = tuple(head * n_keys // n_heads for head in range(n_heads))
        return self.key_of[layer] if self.key_of else even

    @functools.cached_property
    def source_at(self) -> dict[str, int]:
        """Where a source is among the sources."""
        return {source.name: at for at, source in enumerate(self.sources)}

    @functools.cached_property
    def allowed(self) -> Bool[Tensor, "*pos source target"]:
        """Which edges there are: from what is written before it is read.

        By position those that something is read from: nothing leaves a position after the last
        layer's keys and values, nor comes back from a later one.
        """
        written = torch.tensor([source.stage for source in self.sources])
        read = torch.tensor([target.stage for target in self.targets])
        before = written[:, None] < read
        if not self.n_positions:
            return before
        at = torch.arange(self.n_positions)[:, None]
        answers, last = torch.tensor(self.read), len(self.heads) - 1
        ends = [
            each.layer > last or (each.layer == last and not each.moves) for each in self.targets
        ]
        leads = torch.where(torch.tensor(ends), torch.isin(at, answers), at <= answers.max())
        return before & leads[:, None]

    @functools.cached_property
    def feeds(self) -> Bool[Tensor, "target source"]:
        """Whose input a target is."""
        owned = torch.zeros(len(self.targets), len(self.sources), dtype=torch.bool)
        for at, target in enumerate(self.targets):
            for name in target.nodes:
                if name in self.source_at:
                    owned[at, self.source_at[name]] = True
        return owned

    def n_before(self, stage: int) -> int:
        """How many sources are written before a stage: they come first."""
        return sum(source.stage < stage for source in self.sources)

    def heads_of(self, layer: int) -> slice:
        """Where a layer's heads are among the sources."""
        first = self.source_at[str(Head(layer, 0))]
        return slice(first, first + self.heads[layer])

    def targets_of(self, layer: int, entry: str) -> slice:
        """Where a layer's readers by one entry are among the targets."""
        at = [i for i, t in enumerate(self.targets) if t.layer == layer and t.entry == entry]
        return slice(at[0], at[-1] + 1) if at else slice(0, 0)

    def without(self, dropped: Sequence[str]) -> Bool[Tensor, "*pos source target"]:
        """All edges but those that leave these sources."""
        kept = self.allowed.clone()
        kept[..., [self.source_at[name] for name in dropped], :] = False
        return kept


def nodes_of(model: TransformerBridge) -> Nodes:
    """The graph of a model, found on a short run.

    Raises:
        RuntimeError: The stream is no sum of what the parts write: the model normalises it after
            each (GPT-1).

    >>> from circuit_widgets import load_model
    >>> len(nodes_of(load_model()).sources)
    9
    """
    if normalises_after(model):
        raise RuntimeError(
            "this architecture normalises the residual stream itself after each part, so that "
            "what a later part reads is no sum of what earlier parts wrote"
        )
    return parts_of(model)


def parts_of(model: TransformerBridge) -> Nodes:
    """The heads and MLPs of a model, found on a short run, whether or not its stream is a sum.

    >>> from circuit_widgets import load_model
    >>> parts_of(load_model()).heads
    (4, 4)
    """
    n_layers = len(model.blocks)
    some = torch.arange(min(2, int(model.cfg.n_ctx)), device=model.cfg.device)[None]
    sizes: dict[int, tuple[int, int]] = {}

    def see(layer: int, z: Tensor, k: Tensor) -> None:
        sizes[layer] = z.shape[2], k.shape[2]

    readers = capture.together(("z", "k"), see)
    capture.run(model, some.remainder(int(model.cfg.d_vocab)), readers, logits=False)
    mlps = tuple(
        ("after" if has_site(model, layer, "resid_mid") else "beside")
        if has_site(model, layer, "mlp_out")
        else ""
        for layer in range(n_layers)
    )
    heads, keys = zip(*(sizes[layer] for layer in range(n_layers)), strict=True)
    reads = [tuple(keys_read(model, at, *sizes[at])) for at in range(n_layers)]
    made = Nodes(heads, keys, mlps)
    uneven = any(reads[at] != made.keys_of(at) for at in range(n_layers))
    return dataclasses.replace(made, key_of=tuple(reads)) if uneven else made
