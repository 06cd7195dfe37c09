"""How strongly the layers of a model act on each other for a task, and in which levels."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from circuit_widgets import arguments
from circuit_widgets.analysis.flow.layer_results import CrossLayerFlow
from circuit_widgets.analysis.flow.measuring import Measuring
from circuit_widgets.causal.edge_scores import SAID, check_method
from circuit_widgets.causal.first_order import WAYS
from circuit_widgets.causal.nodes import nodes_of
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.prompts.tasks import Task, TaskSettings, check_is_task
from circuit_widgets.results.provenance import begun
from circuit_widgets.statistics.doing import require_task

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

METHODS = ("mean", *WAYS, "exact")


@dataclasses.dataclass(frozen=True)
class LayerSettings:
    """The arguments of `analyze_cross_layer_flow`, checked, as provenance keeps them."""

    task: TaskSettings
    threshold: float | None
    method: str
    steps: int
    check: int
    levels: bool
    allow_failure: bool
    batch: int
    seed: int
    confidence: float


@analysis("flow", uneven=True)
def analyze_cross_layer_flow(
    model: TransformerBridge,
    task: Task,
    *,
    threshold: float | None = None,
    method: str = "eap-ig-inputs",
    steps: int = 5,
    check: int = 16,
    levels: bool = True,
    allow_failure: bool = False,
    batch: int = 16,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[CrossLayerFlow | Progress]:
    """Which layers act directly on which others for a task, and how strongly.

    The strength between two parts (the embedding, the attention or the MLP of a layer, the output)
    is what the metric loses if the later one reads the earlier one's write on the corrupt prompt,
    and all else is unchanged; what comes after it is computed again. To first order that is the sum
    of the effects of all edges between the two, from edge attribution patching (Syed et al. 2023;
    Hanna et al. 2024), which sees all pairs in a few passes; with "exact" the model runs once for
    each pair. Some pairs are run exactly beside an estimate, to say how far it is right.

    The threshold is what the largest of all strengths stays below if the task's prompts tell the
    model nothing: then which prompt of a pair is called the clean one is a coin toss, and a prompt
    has all its strengths as likely with the other sign.

    Levels are three stretches of layers that do alike, by what each attends to, how far the answer
    is by then (logit lens) and the flows into it and out of it. They are claimed where three
    constants fit prompts that they were not found on better than a straight line and a cubic do,
    and better than layers in random order, or two stretches, would let them. Low, middle and high
    are names of their order: what a level does its profile says (`levels_frame`).

    Args:
        model: A TransformerBridge.
        task: Its prompts and its metric: `Task.ioi(model)`, `Task.repeated_tokens(model)`, yours.
        threshold: From where on a strength, either sign, is a flow; None: as above.
        method: How strengths are measured: "eap-ig-inputs", "eap", "eap-ig-activations", their
            "mean", or "exact" (for small models).
        steps: Of the integrated methods.
        check: How many pairs are run exactly beside an estimate, half of them the strongest, half
            drawn from the others; on 8 prompts at most.
        levels: Look for levels.
        allow_failure: Explain a task that the model fails.
        batch: Prompts a pass.
        seed: Of flips, of the pairs that are checked, and of what levels are compared with.
        confidence: Of the intervals over prompts, of the threshold and of the levels.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model or not a task, or an unknown keyword.
        ValueError: An argument out of range, or one prompt only.
        TaskFailed: The model does not do the task.
        PartsMissing: The model's stream is no sum of what its nodes write; or, with "exact" or
            pairs to check, its attention reads more than q, k and v.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=12)
    >>> flow = cw.analyze_cross_layer_flow(model, task, progress=False)
    >>> (0, 1) in flow.flows, (-1, 2) in flow.flows
    (True, False)
    """
    check_is_task(task)
    method = arguments.choice("method", method, METHODS)
    check_method(method, task)
    nodes = nodes_of(model)
    settings = LayerSettings(
        task=task.settings,
        threshold=None
        if threshold is None
        else arguments.positive("threshold", threshold, example=0.05),
        method=method,
        steps=arguments.whole("steps", steps, 1),
        check=arguments.whole("check", check, 0),
        levels=arguments.flag("levels", levels),
        allow_failure=arguments.flag("allow_failure", allow_failure),
        batch=arguments.whole("batch", batch, 1),
        seed=arguments.seed(seed),
        confidence=arguments.share("confidence", confidence),
    )
    if len(task) < 2:
        raise ValueError("the task has one prompt; accepted are 2 or more, for an interval")
    require_task(
        model, task, allow_failure=allow_failure, confidence=confidence, batch=settings.batch
    )
    said = "a run without each pair of parts" if method == "exact" else SAID[method]
    made = begun(
        model,
        "analyze_cross_layer_flow",
        settings,
        method=said,
        probe=task.described(),
        n_total=len(task),
        unit="prompts",
    )
    return Measuring(model, nodes, task, settings, made).steps()
