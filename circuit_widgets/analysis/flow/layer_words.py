"""Flow between layers in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from circuit_widgets.prompts.tasks.scores import IN_WORDS
from circuit_widgets.statistics.sign_flips import flips_needed

if TYPE_CHECKING:
    from circuit_widgets.analysis.flow.layer_results import CrossLayerFlow

# Flows that are listed.
_LISTED = 6


def layer_name(layer: int, n_layers: int) -> str:
    """A layer as a key of `flows` has it, for people.

    >>> [layer_name(layer, 4) for layer in (-1, 2, 4)]
    ['embedding', 'layer 2', 'output']
    """
    return {-1: "embedding", n_layers: "output"}.get(layer, f"layer {layer}")


def lines(flow: CrossLayerFlow) -> list[str]:
    """What the text form says, a line each."""
    found = [threshold_said(flow), *_listed(flow)]
    if flow.agreement is not None:
        found.append(agreement_said(flow))
    said = levels_said(flow)
    return [*found, said] if said else found


def threshold_said(flow: CrossLayerFlow) -> str:
    """What a flow is here, and how many there are."""
    # A metric in words may end with a comma, for a sentence that goes on.
    n, metric = len(flow.flows), IN_WORDS[flow.metric].rstrip(",")
    if flow.threshold is None:
        needed = flips_needed(flow.provenance.parameters["confidence"])
        return (
            f"There is no threshold: to tell a flow from chance takes {needed} prompts, and there "
            f"are {flow.n_prompts}."
        )
    pairs = "pair of layers has" if n == 1 else "pairs of layers have"
    asked = flow.provenance.parameters["threshold"] is not None
    where = "asked for" if asked else "the largest by chance, by flips of the prompts' signs"
    said = f"{n} {pairs} a flow above {flow.threshold:.3g} ({where}) of the {metric}"
    if asked and flow.bound is not None:
        said += f"; the largest by chance is {flow.bound:.3g}"
    return f"{said}."


def agreement_said(flow: CrossLayerFlow) -> str:
    """A number, not whether it is enough: it is of few pairs. "" where none was run."""
    if flow.agreement is None:
        return ""
    n = int(flow.exact.isfinite().sum())
    pairs = "1 pair" if n == 1 else f"{n} pairs"
    return (
        f"The rank correlation of estimates with exact runs is {flow.agreement:.2f} over {pairs}."
    )


def levels_said(flow: CrossLayerFlow) -> str:
    """The levels in a sentence, or why there are none; nothing before they were looked for."""
    levels = flow.levels
    if levels is None:
        return ""
    if not levels.found:
        return f"There are no levels: {levels.why}."
    named = []
    for level in levels.found[1:-1]:
        between = ""
        if level.name != "low":
            ends = level.first_low, level.first_high
            one = ends[0] == ends[1]
            between = f" (begins at {ends[0]}{'' if one else f' to {ends[1]}'})"
        named.append(f"{level.name} {level.first} to {level.last}{between}")
    interval = flow.provenance.interval
    return f"Levels, with the {interval} of where they begin: {', '.join(named)}."


def _listed(flow: CrossLayerFlow) -> list[str]:
    found = []
    low, high = flow.layers.low, flow.layers.high
    for (source, target), strength in [*flow.flows.items()][:_LISTED]:
        names = (layer_name(layer, flow.n_layers) for layer in (source, target))
        ends = ""
        if low is not None and high is not None and not math.isnan(low[source + 1, target]):
            between = f"{low[source + 1, target]:+.3f} to {high[source + 1, target]:+.3f}"
            ends = f"  {flow.provenance.interval} {between}"
        found.append(f"{' → '.join(names):<22} {strength:+.3f}{ends}")
    return found
