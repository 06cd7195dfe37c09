"""The layer that a fault is planted in, known by short runs: its sizes, and what its parts do."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.asides import beside_the_pass
from circuit_widgets.capture.close import alike
from circuit_widgets.capture.edits import Edit
from circuit_widgets.capture.foreign import without_foreign
from circuit_widgets.heads import Head
from circuit_widgets.weights.groups import keys_read

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a model.

    >>> from circuit_widgets import load_model
    >>> layer = Layer(load_model(), 1)
    >>> layer.n_heads, layer.sharing(Head(1, 2)), round(layer.scale, 3)
    (4, (Head(layer=1, index=2),), 0.25)
    """

    model: TransformerBridge
    at: int

    @functools.cached_property
    def sizes(self) -> tuple[int, int, int, int]:
        """How many heads and key/value heads it has, and how wide queries and z are."""
        kept = {site: capture.Keep(site, {self.at}) for site in ("q", "k", "z")}
        self.run(kept.values())
        q, k, z = (keep.tensors[self.at] for keep in kept.values())
        return z.shape[2], k.shape[2], q.shape[3], z.shape[3]

    @property
    def n_heads(self) -> int:
        """How many heads it has."""
        return self.sizes[0]

    def keys_of(self, head: Head) -> int:
        """The key/value head that a head reads."""
        return keys_read(self.model, self.at, *self.sizes[:2])[head.index]

    def sharing(self, head: Head) -> tuple[Head, ...]:
        """The heads that read a head's keys and values, itself among them."""
        read = keys_read(self.model, self.at, *self.sizes[:2])
        mine = read[head.index]
        return tuple(Head(self.at, other) for other, key in enumerate(read) if key == mine)

    @functools.cached_property
    def scale(self) -> float:
        """What the model multiplies queries times keys by.

        Measured where a position attends to itself, as nothing is rotated there, against a key of
        zeros; what does not depend on queries and keys (a bias by distance) is taken away.

        Raises:
            ValueError: Queries twice as long give no scores twice as large: they are normalised.
        """
        n_heads, n_keys, width, _ = self.sizes
        generator = torch.Generator().manual_seed(0)
        one = torch.randn(width, generator=generator)
        # Scores of about 1, where they are divided by the root of the width.
        other = one * math.sqrt(width) / float(one @ one)
        queries = torch.stack([0 * one, one, 2 * one])[:, None, None].expand(-1, 2, n_heads, -1)
        keys = torch.stack([0 * other, other])[None, :, None].expand(3, -1, n_keys, -1)
        pattern = capture.Keep("pattern", {self.at})
        self.run([pattern], [self.put("q", queries), self.put("k", keys)], rows=3)
        weights = pattern.tensors[self.at][:, :, 1].float()
        odds = (weights[..., 1] / weights[..., 0]).log().mean(1)
        once, twice = float(odds[1] - odds[0]), float(odds[2] - odds[0])
        if not once or not 1.5 < twice / once < 2.5:
            raise ValueError(
                "this model normalises its queries after W_Q, or its scores, so that a factor on "
                "a head's queries is lost"
            )
        return once / float(one @ other)

    def check_values_reach(self) -> None:
        """Return if a head's values are what its z is made of.

        Raises:
            ValueError: With no values, z is not nothing.
        """
        z = capture.Keep("z", {self.at})
        none = Edit("v", frozenset({self.at}), lambda _, v: torch.zeros_like(v))
        self.run([z], [none])
        if bool(z.tensors[self.at].any()):
            raise ValueError("in this model a head writes something even without its values")

    def read(self, entry: str, heard: Float[Tensor, "batch pos d_model"]) -> Tensor:
        """Queries, keys or values [batch, pos, head, d], made of what the attention is given."""
        projection: Any = getattr(self.model.blocks[self.at].attn, entry)
        with beside_the_pass(self.model):
            out = projection(heard)
        n_heads, n_keys, *_ = self.sizes
        return out.unflatten(-1, (n_heads if entry == "q" else n_keys, -1)) if out.ndim < 4 else out

    @property
    def block(self) -> Any:
        """Its module."""
        return self.model.blocks[self.at]

    def entrance(self, part: str) -> Any:
        """The first module of a part ("attn" or "mlp") that is given the stream: its norm."""
        norms = ("ln1",) if part == "attn" else ("ln2", "ln1")
        found = [getattr(self.block, name, None) for name in norms]
        return next((norm for norm in found if norm is not None), getattr(self.block, part))

    def normed(self, stream: Float[Tensor, "batch pos d_model"]) -> Tensor:
        """What the attention is given of a stream."""
        norm: Any = self.entrance("attn")
        with beside_the_pass(self.model):
            return norm(stream) if norm is not self.block.attn else stream

    def mlp(self, stream: Float[Tensor, "batch pos d_model"]) -> Tensor:
        """What the MLP writes of a stream."""
        norm, mlp = self.entrance("mlp"), self.block.mlp
        with beside_the_pass(self.model):
            out = mlp(norm(stream) if norm is not mlp else stream)
        return out[0] if isinstance(out, tuple) else out

    def check_same(self, site: str, seen: str, again: Callable[[Tensor], Tensor]) -> None:
        """Return if a site of a run comes out again, made of another.

        Raises:
            ValueError: It does not.
        """
        before, after = capture.Keep(seen, {self.at}), capture.Keep(site, {self.at})
        self.run([before, after])
        with torch.no_grad():
            try:
                same = alike(again(before.tensors[self.at]), after.tensors[self.at])
            except (AttributeError, TypeError, RuntimeError):
                same = False
        if not same:
            raise ValueError(
                f"in this model {site!r} of layer {self.at} is more than one part's answer to "
                f"{seen!r}, so that it cannot be asked for another one"
            )

    def check_future(self, head: Head, share: float) -> None:
        """Return if a head sees the future, with a fault that stands on the model now.

        Without queries and keys the first token looks at itself and at the second one, which
        weighs a share of it.

        Raises:
            ValueError: It does not, or what it sees does not reach what it writes.
        """
        n_heads, n_keys, width, _ = self.sizes
        kept = [capture.Keep(site, {self.at}) for site in ("pattern", "v", "z")]
        zeros = torch.zeros(1, 2, n_keys, width)
        edits = [self.put("q", zeros[:, :, :1].expand(-1, -1, n_heads, -1)), self.put("k", zeros)]
        capture.run(self.model, self.tokens(), kept, edits, logits=False)
        pattern, v, z = (keep.tensors[self.at].float() for keep in kept)
        row = torch.tensor([1, share], device=z.device) / (1 + share)
        seen = pattern[0, head.index, 0]
        written = row @ v[0, :, self.keys_of(head)]
        if not alike(seen / seen.sum(), row) or not alike(
            z[0, 0, head.index], seen.sum() * written
        ):
            raise ValueError("the mask of this model cannot be opened for one head")

    def put(self, site: str, value: Tensor) -> Edit:
        """An edit that puts a value in a site's place."""
        return Edit(site, frozenset({self.at}), lambda _, was: value.to(was))

    def run(self, reducers: Any, edits: Any = (), rows: int = 1) -> None:
        """A pass over two tokens, without what stands on the model."""
        model = self.model
        with capture.lock(model), without_foreign(model):
            capture.run(model, self.tokens(rows), [*reducers], edits, logits=False)

    def tokens(self, rows: int = 1) -> Int[Tensor, "row 2"]:
        """Two tokens."""
        cfg = self.model.cfg
        some = torch.arange(2, device=cfg.device)
        return some.remainder(int(cfg.d_vocab))[None].expand(rows, -1)
