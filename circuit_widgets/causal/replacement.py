"""What a token does: the model runs again with others in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.causal.random_changes import RandomChanges

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Tokens a pass is filled up to with several positions: more than that a CPU does no faster. With
# more replacements it is filled further, so that these take as many passes as so many.
_TOKENS, _TOKENS_GPU, _FEW = 512, 8192, 8
# Logits in flight: half a gigabyte in float32.
_LOGITS = 2**27
# How far a log probability may move by rounding, where nothing it depends on has changed.
_ROUNDING = {torch.float32: 1e-3, torch.float64: 1e-3}


class Corruption:
    """One prompt, corrupted at one position at a time, read at its last position.

    Args:
        model: The model.
        ids: The prompt, cut off after the position that is read.
        target: The token whose probability is read at the last position; before it, at each
            position, the next one of the prompt. None: the model's own likeliest token there.
        against: A token that the target is held against: then "logp" is of the difference of both,
            which is that of their logits.
        replacements: What is put at each position.
        pairs: Also read every position in between.
        batch: Rows a pass, at most.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue")[0]
    >>> replaced = Corruption(model, ids, None, ids.roll(1)[:, None], pairs=False, batch=8)
    >>> [chosen for chosen, _ in replaced.passes([3, 2, 1])]
    [[3, 2, 1]]
    """

    def __init__(
        self,
        model: TransformerBridge,
        ids: Int[Tensor, " pos"],
        target: int | None,
        replacements: Int[Tensor, "pos draw"],
        *,
        pairs: bool,
        batch: int,
        against: int | None = None,
    ) -> None:
        self._against = against
        self._ids, self._replacements = ids.cpu(), replacements
        self._pairs, self._batch = pairs, batch
        self._n_vocab = int(model.cfg.d_vocab)
        device = model.cfg.device
        more = max(1.0, replacements.shape[1] / _FEW)
        self._tokens = int(_TOKENS * more) if str(device) == "cpu" else _TOKENS_GPU
        self._prefix = capture.Prefix(model, ids[None], last=None if pairs else 1)
        self.shared = self._prefix.shared
        # From here on only the logits that are read are made float32.
        self._last = self._prefix.logits[0, -1].float()
        self.target = int(self._last.argmax()) if target is None else target
        self._log_clean = self._last.log_softmax(-1)
        self._follow = torch.cat([self._ids[1:], torch.tensor([self.target])]).to(device)
        self.clean: Float[Tensor, " query"] = (
            _log_probability(self._prefix.logits, self._follow)[0].cpu()
            if pairs
            else self._log_clean[self.target].reshape(1).cpu()
        )

    def passes(self, positions: Sequence[int]) -> Iterator[tuple[list[int], dict[str, Tensor]]]:
        """Effects at some positions, a few after the other, on the CPU.

        logp [at, draw]: log probability of the target, clean - corrupted, in nats.
        kl [at, draw]: KL(clean || corrupted) over the vocabulary, in nats.
        norm [at, draw]: L2 norm of the difference of the logits.
        pairs [at, draw, query]: as logp, of the token after each query; NaN before the position.
        """
        for chosen, splits in self._plan(positions, self._replacements.shape[1]):
            start = min(chosen)
            parts = [self._pass(start, chosen, draws) for draws in splits]
            yield chosen, {name: torch.cat([part[name] for part in parts], 1) for name in parts[0]}

    def random_changes(
        self, positions: Sequence[int], changes: RandomChanges, draws: int
    ) -> Iterator[tuple[list[int], Float[Tensor, "at change"]]]:
        """KL(clean || changed) over the vocabulary of random changes at some positions, in nats."""
        for chosen, splits in self._plan(positions, draws):
            start = min(chosen)
            found = []
            for some in splits:
                changed = torch.stack([changes.at(position)[some] for position in chosen])
                rows = self._ids[start:].repeat(changed.shape[0] * changed.shape[1], 1)
                # Rows that share no beginning are computed from position 0 on.
                first = start if self.shared else 0
                streams = changes.clean[first:].repeat(*changed.shape[:2], 1, 1)
                for at, position in enumerate(chosen):
                    streams[at, :, position - first] = changed[at]
                put = capture.patch("resid_pre", {0: streams.flatten(0, 1)})
                logits = self._prefix.run(start, rows, last=1, interventions=[put])
                lost = self._divergence(logits[:, -1].float().log_softmax(-1))
                found.append(lost.unflatten(0, changed.shape[:2]).cpu())
            yield chosen, torch.cat(found, 1)

    def _plan(
        self, positions: Sequence[int], draws: int
    ) -> Iterator[tuple[list[int], list[slice]]]:
        """Positions that share a pass, or the draws of one that needs several."""
        n = len(self._ids)
        waiting = sorted(positions, reverse=True)
        while waiting:
            chosen = [waiting.pop(0)]
            while waiting:
                # All rows start where the earliest of them does.
                length = n - waiting[0] if self.shared else n
                rows = (len(chosen) + 1) * draws
                if rows > self._rows(length) or rows * length > self._tokens:
                    break
                chosen.append(waiting.pop(0))
            most = self._rows(n - min(chosen) if self.shared else n)
            each = draws if len(chosen) > 1 else min(draws, most)
            yield chosen, [slice(at, at + each) for at in range(0, draws, each)]

    def _rows(self, length: int) -> int:
        whole = self._pairs or not self.shared
        room = _LOGITS // (self._n_vocab * (length if whole else 1))
        return max(1, min(self._batch, room))

    def _pass(self, start: int, chosen: list[int], draws: slice) -> dict[str, Tensor]:
        put = self._replacements[chosen, draws]
        n_draws = put.shape[1]
        rows = self._ids[start:].repeat(len(chosen), n_draws, 1)
        for at, position in enumerate(chosen):
            rows[at, :, position - start] = put[at]
        logits = self._prefix.run(start, rows.flatten(0, 1), last=None if self._pairs else 1)
        last = logits[:, -1].float()
        log_now = last.log_softmax(-1)
        effects = {
            "logp": self._read(self._log_clean) - self._read(log_now),
            "kl": self._divergence(log_now),
            "norm": (self._last - last).norm(dim=-1),
        }
        shaped = {
            name: values.unflatten(0, (len(chosen), n_draws)).cpu()
            for name, values in effects.items()
        }
        if self._pairs:
            shaped["pairs"] = self._changes(start, chosen, logits, n_draws)
        return shaped

    def _read(self, log: Float[Tensor, "*row vocab"]) -> Float[Tensor, " *row"]:
        """Of log probabilities that of the target, less that of the one it is held against."""
        own = log[..., self.target]
        return own if self._against is None else own - log[..., self._against]

    def _divergence(self, log_now: Float[Tensor, "row vocab"]) -> Float[Tensor, " row"]:
        # Where the clean probability is 0 there is nothing to lose, whatever the logits are.
        lost = self._log_clean.exp() * (self._log_clean - log_now)
        return lost.where(self._log_clean > -torch.inf, 0.0).sum(-1)

    def _changes(
        self, start: int, chosen: list[int], logits: Tensor, n_draws: int
    ) -> Float[Tensor, "at draw query"]:
        now = _log_probability(logits, self._follow[start:]).cpu()
        changes = torch.full((len(chosen), n_draws, len(self._ids)), torch.nan)
        changes[..., start:] = (self.clean[start:] - now).unflatten(0, (len(chosen), n_draws))
        rounding = _ROUNDING.get(logits.dtype, 0.5)
        for at, position in enumerate(chosen):
            before = changes[at, :, start:position]
            if before.numel() and bool((before.abs() > rounding).any()):
                raise RuntimeError(
                    f"the model is not causal: another token at position {position} changes the "
                    "logits before it"
                )
            changes[at, :, :position] = torch.nan
        return changes


def _log_probability(
    logits: Float[Tensor, "batch query vocab"], follow: Int[Tensor, " query"]
) -> Float[Tensor, "batch query"]:
    """Log probability of one token at each query, in float32, one row at a time."""
    return torch.stack(
        [
            row.float().gather(-1, follow[:, None])[:, 0] - row.float().logsumexp(-1)
            for row in logits
        ]
    )


def greedy(model: TransformerBridge, ids: Int[Tensor, " pos"], n: int) -> Int[Tensor, " pos"]:
    """A prompt and the `n` tokens that the model continues it with, each the likeliest.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> greedy(model, model.to_tokens("blue dog blue")[0], 2).shape
    torch.Size([6])
    """
    for _ in range(n):
        logits = capture.run(model, ids[None])
        ids = torch.cat([ids, logits[0, -1].float().argmax().reshape(1).to(ids)])
    return ids
