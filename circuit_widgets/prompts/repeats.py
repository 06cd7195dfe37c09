"""The induction probe: random tokens that repeat, beside random tokens that do not.

A pair is two sequences of one length, with `b` = 1 token before them where the model has a
beginning-of-sequence token and 0 where it has none:

    repeating  [bos] r_1 .. r_S  r_1 .. r_S
    control    [bos] r_1 .. r_S  c_1 .. c_S      all of r and c distinct

Both go through the model in one batch. A score is a diagonal of the pattern A[query, key], over the
same queries in both; in the control there is nothing to find there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from jaxtyping import Int
from torch import Tensor

from circuit_widgets import arguments, models

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# With two tokens the one after the earlier copy is also the previous one; the scores would mix.
SHORTEST = 3


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where things are in a pair: `length` is S, `before` is b."""

    length: int
    before: int

    @property
    def n_tokens(self) -> int:
        return self.before + 2 * self.length

    def diagonal(self, name: str) -> tuple[int, int]:
        """How far back the key is, and the first query, of a score; queries go to the end.

        prefix_matching: A[q, q-S+1], q in the second copy: the token after the earlier one.
        duplicate_token: A[q, q-S], q in the second copy: the earlier copy of the same token.
        previous_token: A[q, q-1], q from b+1: with a BOS, query 1 is left out, because its
        previous token is also the sink.
        """
        second = self.before + self.length
        return {
            "prefix_matching": (self.length - 1, second),
            "duplicate_token": (self.length, second),
            "previous_token": (1, self.before + 1),
        }[name]

    def chance(self, name: str) -> float:
        """What uniform attention scores: the mean of 1/(q+1) over the score's queries."""
        _, first = self.diagonal(name)
        return sum(1 / (q + 1) for q in range(first, self.n_tokens)) / (self.n_tokens - first)


class Vocabulary:
    """Ids to draw from: no special tokens, and none that shows as nothing or as a broken byte."""

    def __init__(self, model: TransformerBridge) -> None:
        self._tokenizer = tokenizer = getattr(model, "tokenizer", None)
        self.n_ids = int(model.cfg.d_vocab)
        special: set[int] = set()
        if tokenizer is not None:
            # A padded embedding has rows that no token has.
            self.n_ids = min(self.n_ids, len(tokenizer))
            special |= set(tokenizer.all_special_ids)
            added = getattr(tokenizer, "added_tokens_decoder", {})
            special |= {id for id, token in added.items() if getattr(token, "special", False)}
        self._usable: dict[int, bool] = dict.fromkeys(special, False)

    def usable(self, id: int) -> bool:
        """Whether to draw this id. Decoded only when asked: a vocabulary has 50,000 of them."""
        if id not in self._usable:
            text = "x" if self._tokenizer is None else self._tokenizer.decode([id])
            self._usable[id] = bool(text.strip()) and "\ufffd" not in text
        return self._usable[id]

    def draw(self, n: int, generator: torch.Generator) -> Int[Tensor, " n"]:
        """`n` distinct usable ids, uniformly.

        Raises:
            ValueError: There are fewer than `n`.
        """
        drawn: list[int] = []
        for id in torch.randperm(self.n_ids, generator=generator).tolist():
            if len(drawn) == n:
                break
            if self.usable(id):
                drawn.append(id)
        if len(drawn) < n:
            raise ValueError(
                f"the probe needs 2 * length = {n} distinct tokens (the control does not repeat "
                f"any), and the vocabulary has {len(drawn)} usable ones: take length up to "
                f"{len(drawn) // 2}"
            )
        return torch.tensor(drawn)


class Probe:
    """Pairs of sequences for one model, the same for the same seed whatever the batch is.

    Raises:
        ValueError: `length` is too short for the scores, or too long for the model's context or
            vocabulary; or a BOS token is asked for and the tokenizer has none.
    """

    def __init__(
        self, model: TransformerBridge, length: int, seed: int, prepend_bos: bool | None
    ) -> None:
        length = arguments.whole("length", length, SHORTEST)
        bos = _bos(model, prepend_bos)
        self.layout = Layout(length, 0 if bos is None else 1)
        n_tokens, n_context = self.layout.n_tokens, models.n_context(model)
        if n_tokens > n_context:
            longest = (n_context - self.layout.before) // 2
            raise ValueError(
                f"length {length} makes sequences of {n_tokens} tokens and the model's context is "
                f"{n_context}: take length up to {longest}"
            )
        self._bos = torch.tensor([] if bos is None else [bos], dtype=torch.long)
        self._device = model.cfg.device
        # On the CPU, so that a seed means the same sequences on every device.
        self._generator = torch.Generator().manual_seed(seed)
        self._vocabulary = Vocabulary(model)
        self._ahead = [self._draw()]

    def pairs(self, n: int) -> Int[Tensor, "batch pos"]:
        """The next `n` pairs: all repeating sequences, then their controls, on the device."""
        pairs = [self._ahead.pop() if self._ahead else self._draw() for _ in range(n)]
        return torch.stack([row for side in zip(*pairs, strict=True) for row in side]).to(
            self._device
        )

    def _draw(self) -> tuple[Tensor, Tensor]:
        ids = self._vocabulary.draw(2 * self.layout.length, self._generator)
        first = ids[: self.layout.length]
        return torch.cat([self._bos, first, first]), torch.cat([self._bos, ids])


def _bos(model: TransformerBridge, prepend_bos: bool | None) -> int | None:
    """The id to begin with. None decides as the model does for text."""
    bos = getattr(getattr(model, "tokenizer", None), "bos_token_id", None)
    if prepend_bos and bos is None:
        raise ValueError("prepend_bos is True, but the model's tokenizer has no BOS token")
    if prepend_bos is None:
        prepend_bos = bos is not None and getattr(model.cfg, "default_prepend_bos", True)
    return bos if prepend_bos else None


def batches(n: int, batch: int) -> Iterator[int]:
    """Sizes that add up to `n`: one first, so that something is seen soon."""
    yield 1
    for start in range(1, n, batch):
        yield min(batch, n - start)
