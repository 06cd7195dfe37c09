"""What `patch_activations` gives: an effect for each activation."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.prompts.tasks.scores import IN_WORDS
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    import pandas as pd

WHAT = {
    "heads": "z of each head",
    "stream": "the residual stream before each layer",
    "attention": "what each layer's attention adds",
    "mlps": "what each layer's MLP adds",
}
# The share of false finds that is accepted.
FDR = 0.05


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ActivationPatching(Result, topic="patching"):
    """How much a task's metric depends on each activation: of each head, or layer and position.

    An effect is a mean over prompts with its Student's t interval (one prompt: NaN). Its null is
    that each prompt's effect is as likely with the other sign: `q` is the share of false finds up
    to it (see `statistics.sign_flips`), NaN with fewer than 5 prompts, and where the two prompts do
    not differ, so that the effect is 0 and there is nothing to test. It says whether an effect is
    0, not whether it is large: `share` is the effect over clean minus corrupt.

    Attributes:
        task, metric: What was asked.
        what: "heads", "stream", "attention" or "mlps".
        direction: "noising" (what the clean prompt loses) or "denoising" (what comes back on the
            corrupt one).
        tokens, ids, corrupt_tokens: Of the first prompt.
        roles: A name for each position, if positions mean the same in all prompts.
        n_prompts: How many are in it.
        n_heads: Of the model.
        effect: [layer, head] or [layer, position]; NaN where there is no such part.
        share: The same over clean minus corrupt, a ratio of means (Fieller 1954). NaN: the two are
            not told apart.
        q: As `effect`.
        clean, corrupt: The metric of the whole model, [].

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=6, length=6)
    >>> result = cw.patch_activations(model, task, "stream", progress=False)
    >>> result.effect.value.shape, result.standing_out()[0] in [(0, at) for at in range(1, 7)]
    (torch.Size([2, 13]), True)
    """

    task: str
    metric: str
    what: str
    direction: str
    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    corrupt_tokens: tuple[str, ...]
    roles: tuple[str, ...] | None
    n_prompts: int
    n_heads: int
    effect: Score
    share: Score
    q: Float[Tensor, "layer column"]
    clean: Score
    corrupt: Score

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads of the model."""
        return len(self.q), self.n_heads

    @property
    def by_head(self) -> bool:
        """Whether the columns are heads; else they are positions."""
        return self.what == "heads"

    @property
    def measured(self) -> str:
        """What effects are effects on, in words."""
        return IN_WORDS[self.metric]

    @property
    def unit(self) -> str:
        """Of an effect."""
        return "nats" if self.metric in ("kl", "loss") else ""

    @property
    def means(self) -> str:
        """What an effect is, in words."""
        if self.direction == "noising":
            return f"what the {self.measured} loses with the corrupt prompt's activation"
        return f"what the {self.measured} of corrupt prompts gains with the clean one's activation"

    @property
    def abouts(self) -> dict[str, About]:
        """What the scores of each head mean; there are none where columns are positions."""
        if not self.by_head:
            return {}
        effect = About(
            "effect",
            "Effect of patching",
            f"{self.means[0].upper()}{self.means[1:]}: z of this head, at all positions.",
            "activation patching: Vig et al. 2020; Zhang & Nanda 2024",
            most=None,
            group="this task",
            unit=self.unit,
        )
        share = dataclasses.replace(
            effect,
            name="share",
            label="Share of clean − corrupt",
            about="The effect over the difference of the clean and the corrupt prompts.",
            unit="",
        )
        return {"effect": effect, "share": share}

    def score(self, name: str) -> Score:
        """One of the scores by name: "effect" or "share"."""
        if name not in ("effect", "share"):
            raise ValueError(f"there is no score {name!r}; scores are 'effect' and 'share'")
        return self.effect if name == "effect" else self.share

    def name(self, layer: int, column: int) -> str:
        """A head as "5.1"; a place as "layer 5, S2", or, without roles, with its token."""
        if self.by_head:
            return f"{layer}.{column}"
        token = self.tokens[column].strip() or self.tokens[column]
        return f"layer {layer}, {self.roles[column] if self.roles else f'{token} ({column})'}"

    def order(self) -> list[tuple[int, int]]:
        """(layer, column) of all that was measured, the largest effect by size first."""
        value = self.effect.value
        strongest = value.abs().nan_to_num(-1).flatten().argsort(descending=True, stable=True)
        places = (divmod(at, value.shape[1]) for at in strongest.tolist())
        return [
            (layer, column) for layer, column in places if bool(value[layer, column].isfinite())
        ]

    def highest(self, n: int = 10) -> list[tuple[str, float, float, float]]:
        """The largest effects by size: (name, effect, low and high of its interval)."""
        value, low, high = self.effect.value, self.effect.low, self.effect.high
        assert low is not None and high is not None
        return [
            (self.name(*at), float(value[at]), float(low[at]), float(high[at]))
            for at in self.order()[:n]
        ]

    def standing_out(self) -> list[tuple[int, int]]:
        """(layer, column) of the effects with q below 0.05, the largest by size first."""
        return [at for at in self.order() if float(self.q[at]) < FDR]

    def to_frame(self) -> pd.DataFrame:
        """One row for each head, or layer and position; `df.attrs` has the provenance."""
        import pandas as pd

        n_layers, n_columns = self.q.shape
        layer = torch.arange(n_layers).repeat_interleave(n_columns).numpy()
        column = torch.arange(n_columns).repeat(n_layers).numpy()
        columns: dict[str, Any] = {"layer": layer}
        if self.by_head:
            columns["head"] = column
        else:
            columns |= {"position": column, "token": [self.tokens[at] for at in column]}
            if self.roles:
                columns["role"] = [self.roles[at] for at in column]
        for name in ("effect", "share"):
            parts = self.score(name).columns()
            columns |= {
                name if part == "value" else f"{name}_{part}": each for part, each in parts.items()
            }
        frame = pd.DataFrame(columns | {"q": self.q.flatten().numpy()})
        frame = frame.assign(
            task=self.task,
            what=self.what,
            direction=self.direction,
            n=self.n_prompts,
            complete=self.provenance.complete,
        )
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def _lines(self) -> list[str]:
        of = "1 prompt" if self.n_prompts == 1 else f"mean of {self.n_prompts} prompts"
        unit = f" {self.unit}" if self.unit else ""
        lines = [
            f"The {self.measured} is {float(self.clean.value):+.3f}{unit} on clean prompts of "
            f"{self.task!r} and {float(self.corrupt.value):+.3f} on corrupt ones ({of}).",
            f"An effect is {self.means}: {WHAT[self.what]}.",
        ]
        out = {*self.standing_out()}
        order = self.order()
        for at, (name, value, low, high) in zip(order, self.highest(6), strict=False):
            said = (
                [] if math.isnan(low) else [f"{self.provenance.interval} {low:+.3f} to {high:+.3f}"]
            )
            share = float(self.share.value[at])
            if not math.isnan(share):
                said.append(f"{100 * share:.0f} % of clean − corrupt")
            beside = f" ({'; '.join(said)})" if said else ""
            lines.append(f"{name}: {value:+.3f}{'*' if at in out else ''}{beside}")
        if len(order) > 6:
            lines.append(f"and {len(order) - 6} with smaller effects")
        if self.n_prompts < 5:
            return [*lines, "No effect is tested: that takes 5 prompts or more"]
        return [*lines, f"* q < {FDR} by flips of the prompts' signs: {len(out)} of {len(order)}"]
