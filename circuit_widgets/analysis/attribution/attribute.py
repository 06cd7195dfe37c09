"""Direct logit attribution of every part of a model, on one prompt or many."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from circuit_widgets import arguments, capture
from circuit_widgets.analysis.attribution.chance import random_tokens
from circuit_widgets.analysis.attribution.results import LogitAttribution
from circuit_widgets.analysis.attribution.samples import Samples
from circuit_widgets.causal.direct import DirectLogits
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.each import places_of, targets_of
from circuit_widgets.prompts.targets import Target
from circuit_widgets.results.provenance import Provenance, begun

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `attribute_logits`, checked, as provenance keeps them.

    prompts: ids. target: of each prompt; None is the model's own likeliest token.
    """

    prompts: tuple[tuple[int, ...], ...]
    target: tuple[Target | None, ...]
    position: tuple[int, ...]
    controls: int
    batch: int
    seed: int
    confidence: float


@analysis("attribution", uneven=True)
def attribute_logits(
    model: TransformerBridge,
    prompts: str | Sequence[Any] | Tensor,
    position: int | Sequence[int] = -1,
    target: Any = None,
    *,
    controls: int = 256,
    batch: int = 16,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[LogitAttribution]:
    """What every head, MLP and the embedding adds directly to a logit, or to a logit difference.

    The stream that the final norm reads is a sum of what the parts wrote. With the norm's scale
    held as it was in the run, each part has a share, and the shares sum to the logit of the target
    less the mean logit of the vocabulary (which no probability depends on), or with a pair of
    targets to the difference of their logits. A share is direct: what a part does through later
    parts is in theirs.

    The null of each share is what the same part adds to tokens drawn at random from the vocabulary
    (with a pair: to differences of two such tokens). Of some hundred parts some are outside of
    what 95 % of random tokens get. A part stands out if it is beyond what all parts stay within at
    once, for 95 % of random tokens. Where no target is given and the model's own likeliest token is
    taken, it was chosen for its logit, and so were the shares in it: it is held against random
    tokens with as high a logit as the likeliest of the vocabulary would have by chance.

    Args:
        model: A TransformerBridge.
        prompts: A text, several, ids, or several lists of ids, of two tokens or more. Of several,
            shares are means with an interval over prompts.
        position: Whose output is read, negative from the end; of several prompts also a list with
            one for each.
        target: A token by its id or text; two, of which the first is held against the second,
            `(" Mary", " John")`; of several prompts a list with one of these for each. None: the
            token that follows in the text; at its end the model's own likeliest token.
        controls: Tokens drawn for the null, different ones.
        batch: Prompts a pass; those of one length go together.
        seed: Of the tokens drawn.
        confidence: Of the intervals over prompts, and the share of the null between its ends.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, not prompts, or an unknown keyword.
        ValueError: A prompt that cannot be read; a position or a target that is not there; not as
            many targets as prompts.
        RuntimeError: The logits are not what the final norm and the unembedding make of the stream.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> result = cw.attribute_logits(model, "blue dog seven blue dog", target="seven")
    >>> result.highest(1)[0][0]
    '1.3'
    """
    listed = Prompts(model, prompts)
    places = places_of(listed, position)
    targets = _targets(model, listed, places, target)
    settings = Settings(
        prompts=listed.ids,
        target=tuple(targets),
        position=tuple(places),
        controls=arguments.whole("controls", controls, 20),
        batch=arguments.whole("batch", batch, 1),
        seed=arguments.seed(seed),
        confidence=arguments.share("confidence", confidence),
    )
    made = begun(
        model,
        "attribute_logits",
        settings,
        method="shares of the residual stream in a logit, the final norm as it was; Student's t "
        "over prompts; the null is random tokens",
        probe=listed.described(),
        n_total=len(listed),
        unit="prompts",
    )
    return _results(model, listed, places, targets, settings, made)


def _targets(
    model: TransformerBridge, prompts: Prompts, places: list[int], target: Any
) -> list[Target | None]:
    """Of each prompt; where none is given what follows, and None for what is likeliest."""
    found = targets_of(model, prompts, target)
    for at, (tokens, place) in enumerate(zip(prompts.tokens, places, strict=True)):
        ids = tokens.ids[0]
        if found[at] is None and place + 1 < len(ids):
            found[at] = Target(int(ids[place + 1]))
    return found


def _results(
    model: TransformerBridge,
    prompts: Prompts,
    places: list[int],
    targets: list[Target | None],
    settings: Settings,
    made: Provenance,
) -> Iterator[LogitAttribution]:
    paired = any(target is not None and target.against is not None for target in targets)
    n_vocab = int(model.cfg.d_vocab)
    samples = Samples(prompts, places, paired, settings, n_vocab)
    for chosen, ids in prompts.batches(settings.batch):
        at = torch.tensor([places[prompt] for prompt in chosen])
        direct = DirectLogits(model, at)
        logits = capture.run(model, ids, direct.reducers)
        read = logits[torch.arange(len(at)), at.to(logits.device)].float()
        likeliest = read.argmax(-1).tolist()
        known = [targets[p] or Target(id) for p, id in zip(chosen, likeliest, strict=True)]
        first = torch.tensor([target.id for target in known])[:, None]
        drawn = [random_tokens(t, settings.controls, n_vocab, settings.seed) for t in known]
        tokens = [first, torch.stack([sides[0] for sides in drawn])]
        if paired:
            # (Every target is a pair then.)
            second = torch.tensor([target.against or 0 for target in known])[:, None]
            tokens += [second, torch.stack([sides[1] for sides in drawn])]
        found = direct.of(logits, torch.cat(tokens, 1), above_mean=not paired)
        logp = read.log_softmax(-1).gather(1, first.to(read.device))
        samples.add(chosen, known, found, logp, [targets[prompt] is None for prompt in chosen])
        made = dataclasses.replace(made, n_done=made.n_done + len(chosen))
        yield samples.result(model, made)
