"""A flow in words: its text form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circuit_widgets.prompts.characters import quoted

if TYPE_CHECKING:
    from circuit_widgets.analysis.flow.results import FlowSource, InformationFlow


def lines(result: InformationFlow) -> list[str]:
    """What a result says when it is printed, below its head."""
    of = f" (mean of {result.n_prompts} prompts)" if result.n_prompts > 1 else ""
    said = [f"The routes lead to the {result.measured} after position {result.position}{of}"]
    said += [_source(result, at) for at in result.information_sources[:5]]
    if result.information_sources and result.information_sources[0].knockout is not None:
        said += _controls(result)
    for path in result.key_paths[:3]:
        said.append(f"The path {result.path_text(path)} carries {path.weight:.3f}")
    score = float(result.self_influence_score)
    said.append(f"Other positions (without the BOS token) contribute {score:.2f} in all")
    return said


def _source(result: InformationFlow, at: FlowSource) -> str:
    route = f"routes give it {at.route:.3f} of the final residual stream"
    if at.knockout is None:
        return f"{at.position} {quoted(at.token)}: {route}"
    # Adding 0 makes -0.0 a 0.
    text = f"attention knockout costs {round(at.knockout, 2) + 0.0:+.2f} {result.unit}"
    score = result.knockout
    beside = []
    if score.low is not None and score.high is not None and not bool(score.low.isnan().all()):
        low, high = float(score.low[at.position]), float(score.high[at.position])
        beside.append(f"{result.provenance.interval} {low:+.2f} to {high:+.2f}")
    if score.control_high is not None and not bool(score.control_high[at.position].isnan()):
        bound = float(score.control_high[at.position])
        beside.append(f"bound of tokens as likely {round(bound, 2) + 0.0:+.2f}")
    if at.confirmed:
        beside.append("above both bounds")
    if beside:
        text += f" ({'; '.join(beside)})"
    if (found := result.strongest_window(at.position)) is not None and at.confirmed:
        (first, last), cost = found
        layers = f"layer {first}" if first == last else f"layers {first} to {last}"
        text += f", most in {layers} ({cost:+.2f})"
    return f"{at.position} {quoted(at.token)}: {text}; {route}"


def _controls(result: InformationFlow) -> list[str]:
    middle, bound = result.knockout_control.tolist()
    if bound != bound:
        return ["There is no control (yet), so that no source is above both bounds"]
    return [
        f"Attention knockout at {result.n_control} other pairs of query and key costs "
        f"{round(middle, 2) + 0.0:.2f} {result.unit} (median); the bound is {bound:.2f}, and "
        f"{result.n_control_above} of those pairs are above it"
    ]
