"""Flow between layers as a matrix of parts, beside what each layer does by depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from circuit_widgets.analysis.flow.layer_results import CrossLayerFlow
from circuit_widgets.plots.axes import name_ticks
from circuit_widgets.plots.figure import Figure, new_figure, number, styled
from circuit_widgets.plots.panels import around_zero, heat

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inches of a part in the matrix, and of a feature's panel.
_PART, _FEATURE = 0.16, 0.9
# Flows with a mark, at most: of more, marks would hide the colours.
_MARKED = 60


@styled
def plot(
    result: CrossLayerFlow, *, figsize: Sequence[float] | None = None, title: str | None = None
) -> Figure:
    """Strengths between parts of layers; beside it, what each layer does, and the levels.

    Dots mark strengths above the threshold. Bands are intervals over prompts; dotted lines are
    where levels begin.

    Args:
        result: What `analyze_cross_layer_flow` found.
        figsize: Width and height in inches.
        title: In place of the model and the task; "" for none.
    """
    if title is None:
        title = f"{result.provenance.model}: flow between layers for {result.task}"
    side = min(6.0, max(3.0, _PART * len(result.parts.sources)))
    features = [*result.profile]
    height = min(8.0, max(side + 0.6, _FEATURE * len(features) + 0.8))
    wide = 3.2 if features else 0
    figure = new_figure(result, title, figsize, (side + 1.8 + wide, height))
    grid = figure.add_gridspec(max(1, len(features)), 2, width_ratios=[side + 1.8, wide or 1e-3])
    share = (side + 1.8) / (side + 1.8 + wide)
    inches = share * figure.get_figwidth() - 1.8, figure.get_figheight() - 1.6
    _matrix(figure, figure.add_subplot(grid[:, 0]), result, inches)
    for at, name in enumerate(features):
        ax = figure.add_subplot(grid[at, 1])
        _feature(ax, result, name)
        if at < len(features) - 1:
            ax.tick_params(labelbottom=False)
        else:
            ax.set_xlabel("layer")
    return figure


def _matrix(figure: Figure, ax: Axes, result: CrossLayerFlow, inches: tuple[float, float]) -> None:
    value = result.strength.value.numpy()
    image = heat(ax, value, around_zero(value))
    sources = [part.name for part in result.parts.sources]
    targets = [part.name for part in result.parts.targets]
    name_ticks(ax, "y", range(len(sources)), sources, inches[1])
    name_ticks(ax, "x", range(len(targets)), targets, inches[0])
    ax.set_ylabel("written by")
    ax.set_xlabel("read by")
    places = result.found().nonzero()
    if 0 < len(places) <= _MARKED:
        ax.plot(places[:, 1].numpy(), places[:, 0].numpy(), "k.", markersize=3)
    figure.colorbar(image, ax=ax, label="strength", shrink=0.8)
    above = "no threshold" if result.threshold is None else number(result.threshold, 3)
    ax.set_title(f"dots: above {above}" if result.threshold is not None else above)


def _feature(ax: Axes, result: CrossLayerFlow, name: str) -> None:
    score, layers = result.profile[name], range(result.n_layers)
    if score.low is not None and score.high is not None:
        ends = score.low.numpy(), score.high.numpy()
        ax.fill_between(layers, *ends, color="C0", alpha=0.25, linewidth=0)
    ax.plot(layers, score.value.numpy(), color="C0", marker=".", markersize=3)
    ax.set_ylabel(name.replace(" ", "\n"))
    known = () if result.levels is None else result.levels.found
    for level in known[2:-1]:
        ax.axvline(level.first - 0.5, color="0.4", linestyle=":", linewidth=1)
