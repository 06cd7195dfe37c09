"""One run of one prompt: what a view can ask about it, and the answers as bytes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.attention.text import TextScores
from circuit_widgets.causal.direct import DirectLogits
from circuit_widgets.live.next_tokens import TopNext, top_next
from circuit_widgets.live.store import OVERVIEW_SIDE, Missing, TensorStore
from circuit_widgets.live.tiles import Quantised
from circuit_widgets.prompts.characters import LONGEST, shown_after
from circuit_widgets.prompts.tokens import Tokens
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import middle_of
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.channel import Question, Refused

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Random tokens that a head's share of a logit is compared with, and how many of them its null has
# between its ends.
N_RANDOM, CONFIDENCE = 128, 0.95
# How many of the likeliest next tokens are kept for each position.
N_NEXT = 10


class _Keep:
    """Hands each layer's patterns to the store."""

    site = "pattern"

    def __init__(self, store: TensorStore) -> None:
        self._store = store

    def see(self, layer: int, tensor: Float[Tensor, "batch head query key"]) -> None:
        self._store.add(layer, tensor[0])


@dataclass(frozen=True)
class Shares:
    """What each head adds directly to the logit of the likeliest token after the last position.

    Attributes:
        target: That token.
        score: Above the mean logit, beside what the head adds to random tokens. NaN: `missing`
            says why.
    """

    target: int
    score: Score
    missing: str


@dataclass(frozen=True)
class Reading:
    """A prompt the model has read: its attention, its expectations, its scores on this text."""

    run_id: int
    tokens: Tokens
    store: TensorStore
    next: TopNext
    scores: TextScores
    shares: Shares
    name_token: Callable[[int], str]
    seconds: float
    # Hook points with hooks of the user's own, which ran too.
    hooks: tuple[str, ...] = ()

    def name_next(self, position: int, id: int) -> str:
        """What a token shows as that may follow a position; one may complete a character there."""
        before = self.tokens.ids[0, max(0, position + 2 - LONGEST) : position + 1].tolist()
        return shown_after(self.name_token, before, id)

    @property
    def n_tokens(self) -> int:
        return len(self.tokens.strings)

    def is_cheap(self, question: Question) -> bool:
        """Whether there is nothing to compute: to copy what was made while the model ran."""
        match question:
            case m.Tiles():
                return self.store.is_overview(question.window, question.side) and all(
                    self.store.has_overview(layer, question.pooling) for layer, _ in question.heads
                )
            case m.Cells() | m.Column():
                return self.store.has(question.head[0])
            case m.Next():
                return True

    def answer(self, question: Question) -> tuple[m.Body, bytes]:
        """A reply's body and buffer; raises `Refused` with a sentence."""
        try:
            match question:
                case m.Tiles():
                    return self._tiles(question)
                case m.Cells():
                    return self._cells(question)
                case m.Column():
                    return self._column(question)
                case m.Next():
                    return self._next(question.position), b""
        except Missing as missing:
            raise Refused("missing", str(missing)) from missing

    def _tiles(self, ask: m.Tiles) -> tuple[m.TilesReply, bytes]:
        parts: list[m.TilePart] = []
        buffer = bytearray()
        for layer, head in ask.heads:
            tile = self.store.tile(layer, head, ask.window, ask.side, ask.pooling)
            parts.append(pack(tile, (layer, head), buffer))
        size = len(buffer) // len(parts)
        if self.store.is_overview(ask.window, ask.side):
            # Neighbours ride along in the room that a prompt reply has anyway.
            for layer, head in ask.also:
                if len(buffer) + size > m.FLUSH_BYTES:
                    break
                if not self.store.has_overview(layer, ask.pooling):
                    continue
                try:
                    tile = self.store.tile(layer, head, ask.window, ask.side, ask.pooling)
                except Missing:
                    continue  # not asked for yet: it is said when it is
                parts.append(pack(tile, (layer, head), buffer))
        return m.TilesReply(ask.window, ask.pooling, ask.side, parts), bytes(buffer)

    def _cells(self, ask: m.Cells) -> tuple[m.CellsReply, bytes]:
        q0, q1, k0, k1 = ask.window
        # Whole rows around those asked for, as many as a prompt reply has room for.
        room = max(0, m.FLUSH_BYTES // (4 * max(1, k1 - k0)) - (q1 - q0))
        q0, q1 = max(0, q0 - room // 2), min(self.n_tokens, q1 + (room + 1) // 2)
        if (q1 - q0) * (k1 - k0) * 4 > 4 * 2**20:
            raise Refused("invalid", "at most 4 MiB of exact values are sent in one reply")
        window = (q0, q1, k0, k1)
        cells = self.store.cells(*ask.head, window)
        return m.CellsReply(ask.head, window), cells.numpy().tobytes()

    def _column(self, ask: m.Column) -> tuple[m.ColumnReply, bytes]:
        window = (0, self.n_tokens, ask.key, ask.key + 1)
        cells = self.store.cells(*ask.head, window)
        return m.ColumnReply(ask.head, ask.key, self.n_tokens), cells.numpy().tobytes()

    def _next(self, position: int) -> m.NextReply:
        if position >= self.n_tokens:
            raise Missing(f"there is no position {position}: the text has {self.n_tokens} tokens")
        ids = self.next.ids[position].tolist()
        chances = self.next.probabilities[position].tolist()
        if not all(map(math.isfinite, chances)):
            raise Missing("the model's probabilities are not numbers (NaN)")
        expected = zip(ids, chances, strict=True)
        named = [m.NextToken(self.name_next(position, i), i, p) for i, p in expected]
        actual = None
        if position + 1 < self.n_tokens:
            id = int(self.tokens.ids[0, position + 1])
            chance = float(self.next.actual[position].exp())
            actual = m.NextToken(self.tokens.strings[position + 1], id, chance)
        return m.NextReply(position, named, actual)

    def picture(
        self, layer: int, head: int, query: int | None, pooling: m.Pooling
    ) -> tuple[m.Picture, bytes]:
        """What the first screen shows, for a page that has no kernel. Raises `Missing`."""
        buffer = bytearray()
        window, side = self.store.whole, OVERVIEW_SIDE
        tile = self.store.tile(layer, head, window, side, pooling)
        part = pack(tile, (layer, head), buffer)
        expected = None if query is None else self._next(query)
        return m.Picture(self.run_id, window, pooling, side, part, expected), bytes(buffer)


def pack(tile: Quantised, head: tuple[int, int], buffer: bytearray) -> m.TilePart:
    """Append one head's tile to a buffer; float32 parts start at multiples of 4."""
    _, rows, cols = tile.data.shape
    offset = len(buffer)
    buffer += tile.data.numpy().tobytes()
    buffer += bytes(-len(buffer) % 4)
    first = None
    if tile.first is not None:
        first = len(buffer)
        buffer += tile.first.numpy().tobytes()
    return m.TilePart(head, rows, cols, float(tile.scale[0]), offset, first)


def read(
    model: TransformerBridge,
    tokens: Tokens,
    run_id: int,
    memory: int,
    name_token: Callable[[int], str],
    on_layer: Callable[[int], None] | None = None,
    edits: Sequence[capture.Intervention] = (),
) -> Reading:
    """Run the model once and keep what the views ask for.

    memory: bytes of whole attention layers to keep on the device. What is let go is made again
    from the layer's input, exactly. edits: what is changed inside the model, but no pattern:
    one that is made again would be without the change.
    """
    started = time.perf_counter()
    n_tokens = tokens.ids.shape[1]
    inputs = capture.BlockInputs()
    store = TensorStore(
        model.cfg.n_layers,
        model.cfg.n_heads,
        n_tokens,
        lambda layer: capture.replay_pattern(model, inputs, layer)[0],
        memory,
    )
    scores = TextScores(tokens.ids, model.cfg.n_layers, model.cfg.n_heads, has_bos=tokens.has_bos)
    direct = _direct(model, n_tokens - 1)
    reducers: list[capture.Reducer | capture.BlockInputs] = [inputs, _Keep(store), scores]
    reducers += [] if isinstance(direct, str) else direct.reducers
    logits = capture.run(model, tokens.ids, reducers, edits, on_layer=on_layer)
    following = torch.roll(tokens.ids[0], -1)
    following[-1] = -1  # nothing follows the last token
    expected = top_next(logits[0], following, N_NEXT)
    shares = _shares(model, direct, logits, int(expected.ids[-1, 0]))
    seconds = time.perf_counter() - started
    hooks = capture.foreign_hooks(model)
    return Reading(run_id, tokens, store, expected, scores, shares, name_token, seconds, hooks)


def _direct(model: TransformerBridge, position: int) -> DirectLogits | str:
    """What reads the shares of a logit, or why nothing can."""
    try:
        return DirectLogits(model, torch.tensor([position]))
    except RuntimeError as error:
        return str(error)


def _shares(
    model: TransformerBridge, direct: DirectLogits | str, logits: Tensor, target: int
) -> Shares:
    # One seed: two readings of one text are one picture.
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(int(model.cfg.d_vocab), (N_RANDOM,), generator=generator)
    missing = Score(torch.full((model.cfg.n_layers, model.cfg.n_heads), math.nan))
    if isinstance(direct, str):
        return Shares(target, missing, direct)
    try:
        found = direct.of(logits, torch.cat([torch.tensor([target]), drawn])[None])
    except RuntimeError as error:
        return Shares(target, missing, str(error))
    control, low, high = middle_of(found.heads[0, ..., 1:], CONFIDENCE)
    score = Score(found.heads[0, ..., 0], control=control, control_low=low, control_high=high)
    return Shares(target, score, found.missing)
