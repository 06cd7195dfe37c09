"""Which routes through the layers an output came along, and whether it depends on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.analysis.flow.contributions import traced
from circuit_widgets.analysis.flow.found import flow_found, routes_found
from circuit_widgets.analysis.flow.knockouts import Knockouts
from circuit_widgets.analysis.flow.means import Means
from circuit_widgets.analysis.flow.outputs import output, outputs_asked
from circuit_widgets.analysis.flow.results import InformationFlow
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.prompts.readout import Readout
from circuit_widgets.prompts.targets import Target
from circuit_widgets.results.provenance import Provenance, begun

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# In a text of up to so many positions all of them are cut off; in a longer one so many.
_ALL, _STRONGEST = 128, 32
# Sources that are listed where none is cut off.
_LISTED = 8


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `trace_information_flow`, checked, as provenance keeps them.

    prompts: ids. target: of each prompt; None is the token that follows, or at the end of the
    prompt the model's own likeliest one.
    """

    prompts: tuple[tuple[int, ...], ...]
    position: int
    target: tuple[Target | None, ...]
    window: tuple[int, int]
    renormalise: bool
    confirm: int | None
    sweep: int
    paths: int
    draws: int
    seed: int
    confidence: float


@analysis("flow", uneven=True)
def trace_information_flow(
    model: TransformerBridge,
    tokens: str | Sequence[Any] | Tensor,
    position: int | Sequence[int] | None = None,
    *,
    target: Any = None,
    window: tuple[int, int] | None = None,
    renormalise: bool = True,
    confirm: int | None = None,
    sweep: int | None = None,
    paths: int = 10,
    draws: int = 39,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[InformationFlow | Progress]:
    """Trace which positions contribute to an output, layer by layer.

    What each head writes from each key, and the residual stream, contribute to a layer's output by
    their L1 proximity to it (Ferrando & Voita 2024, Information Flow Routes at Scale); the layers'
    contributions multiply along a route. All of it comes from one pass, and none of it is causal.

    What the output depends on is measured beside it: attention from the position to each source is
    blocked (attention knockout, Geva et al. 2023), and the sources are listed by what that costs. A
    knockout blocks the direct edges from the source to the position, and no route over a third
    position. For the sources that cost most it is done again in a window of layers that moves from
    the first layer to the last.

    A source is `confirmed` if its cost is above two bounds. The first is about size: what the
    same costs at other queries, random pairs of an earlier query of this text and a position before
    it, each read at that query (of a target pair, the same two tokens are). The second is about the
    target: what the same knockout costs tokens that were as likely, the 256 nearest in
    log-probability, by their regression on it (of a pair, each of the two tokens has its own).
    Where heads attend to few positions a knockout of one of them changes everything, and the first
    bound is crossed in every text; the second holds in models with random weights, whatever
    their size: of 392 texts on seven tiny untrained models with large weights 6 have a source
    above it, and the error asked for is 5 %. What makes all likely tokens less likely is not
    confirmed, however much it costs.

    Args:
        model: A TransformerBridge with causal attention, whose layers add up to what their heads
            write and what they make of a position's own stream (an MLP, experts). Heads may be
            gated; the gate is held as it was, as the scale of a norm is. Nearly all are such
            (docs/decoders.md).
        tokens: A text, or ids; or a list of texts or of ids. Of several prompts everything is a
            mean over prompts, position by position, so that their outputs have to be read at one
            position (as in prompts of one length); `routes` and `knockout` have an interval over
            prompts (Student's t), and a source is confirmed if its interval is above 0, too. A
            prompt that is given twice counts once.
        position: Whose output is read, negative from the end; None is the last. Of several prompts
            also a list with one for each.
        target: Whose log-probability is read: a token by its id or text; two, of which the first
            is held against the second, `(" Mary", " John")`: the difference of their logits; of
            several prompts a list with one of these for each. None: the token that follows in the
            text; at the last position the model's own likeliest token.
        window: Layers in which attention is blocked, the first and the last of them; None is all.
        renormalise: Whether the weights that are left grow to their former sum, as Geva et al. have
            it (scores of minus infinity). The other way is measured too; this one decides.
        confirm: How many sources are blocked, the strongest by their routes; None: all in a text
            of up to 128 positions, else 32. 0 runs no knockout.
        sweep: How many layers the moving window has, for the 8 sources whose knockout costs most;
            None: a fifth of them (Geva et al. take 9 of 48). 0: no sweep.
        paths: How many paths are listed.
        draws: Pairs of other queries and keys that are blocked as a control, at most; of several
            prompts the same pairs in each.
        seed: Of those.
        confidence: Of the intervals over prompts, and that none of as many further pairs, or
            tokens, as there are sources is above a bound.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, not prompts, or an unknown keyword.
        ValueError: An argument out of range; a target that is no single token; outputs at several
            positions; attention whose edits do not reach what its heads write.
        RuntimeError: The parts of a layer do not add up to what it writes.

    >>> import circuit_widgets as cw
    >>> text = "blue dog seven blue dog"
    >>> flow = cw.trace_information_flow(cw.load_model(), text, progress=False)
    >>> flow.routes.shape, len(flow.key_paths)
    (torch.Size([6]), 10)
    """
    asked = outputs_asked(model, tokens, position, target)
    layers = _window(window, len(model.blocks))
    n_layers = len(model.blocks)
    confidence = arguments.share("confidence", confidence)
    settings = Settings(
        prompts=tuple(tuple(each.ids.tolist()) for each in asked),
        position=asked[0].position,
        target=tuple(each.target_given for each in asked),
        window=(layers[0], layers[-1]),
        renormalise=arguments.flag("renormalise", renormalise),
        confirm=None if confirm is None else arguments.whole("confirm", confirm),
        sweep=max(1, round(n_layers / 5))
        if sweep is None
        else arguments.whole("sweep", sweep, 0, n_layers),
        paths=arguments.whole("paths", paths, 1),
        draws=arguments.whole("draws", draws, 2),
        seed=arguments.seed(seed),
        confidence=confidence,
    )
    made = begun(
        model,
        "trace_information_flow",
        settings,
        method="L1 proximity of parts to their sum, multiplied over layers; attention knockout"
        + ("; Student's t over prompts" if len(asked) > 1 else ""),
        probe="attention knockout at other queries; tokens as likely as the target",
        n_total=0,
        unit="steps",
    )
    return _steps(model, asked, layers, settings, made)


def _window(window: tuple[int, int] | None, n_layers: int) -> range:
    if window is None:
        return range(n_layers)
    if not isinstance(window, Sequence) or isinstance(window, str) or len(window) != 2:
        raise ValueError(
            f"window is {arguments.shown(window)}; accepted is a first and a last layer, like (0, "
            f"{n_layers - 1})"
        )
    first, last = (arguments.place("a layer of window", layer, n_layers) for layer in window)
    if first > last:
        raise ValueError(f"window is {window}: its first layer comes after its last")
    return range(first, last + 1)


def _steps(
    model: TransformerBridge,
    asked: Sequence[Readout],
    window: range,
    settings: Settings,
    made: Provenance,
) -> Iterator[InformationFlow | Progress]:
    routes, outputs = [], []
    for at, each in enumerate(asked):
        if at:
            yield Progress(at, len(asked), "routes")
        route, logits = traced(model, each.read)
        routes.append(route)
        outputs.append(output(each, logits[0]))
        del logits
    first = asked[0]
    means = Means(routes, first.position)
    # A BOS is where heads look that look for nothing; cutting it off says nothing about content.
    share = means.routes.mean(0)
    candidates = sorted(
        range(first.first, first.position), key=lambda source: (-float(share[source]), source)
    )
    most = settings.confirm
    if most is None:
        most = len(candidates) if len(first.read) <= _ALL else _STRONGEST
    knockouts = Knockouts(
        model,
        outputs,
        candidates[:most],
        layers=window,
        renormalise=settings.renormalise,
        draws=settings.draws,
        seed=settings.seed,
        sweep=settings.sweep,
    )
    found = routes_found(model, outputs, means, settings.paths, settings.confidence)
    listed = [] if knockouts.sources else candidates[:_LISTED]
    n_done = len(asked)
    made = dataclasses.replace(made, n_done=n_done, n_total=n_done + knockouts.n_steps)
    yield flow_found(found, knockouts, listed, settings.confidence, made)
    for done in knockouts.steps():
        made = dataclasses.replace(made, n_done=n_done + done)
        yield flow_found(found, knockouts, listed, settings.confidence, made)
