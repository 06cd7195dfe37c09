"""Activation patching of every head, or of the stream and what is added to it at every position."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.analysis.patching.results import WHAT, ActivationPatching
from circuit_widgets.causal.edge_scores import patching_of
from circuit_widgets.causal.nodes import parts_of
from circuit_widgets.causal.patching import DIRECTIONS, Patching
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.prompts.tasks import Task, TaskSettings, check_is_task
from circuit_widgets.prompts.tokens import tokenize
from circuit_widgets.results.provenance import Provenance, begun
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.doing import require_task
from circuit_widgets.statistics.intervals import mean_interval, ratio_interval
from circuit_widgets.statistics.sign_flips import sign_flip_q

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

_SITES = {"stream": "resid_pre", "attention": "attn_out", "mlps": "mlp_out"}


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `patch_activations`, checked, as provenance keeps them."""

    task: TaskSettings
    what: str
    direction: str
    allow_failure: bool
    batch: int
    seed: int
    confidence: float


@analysis("patching", uneven=True)
def patch_activations(
    model: TransformerBridge,
    task: Task,
    what: str = "heads",
    *,
    direction: str = "noising",
    allow_failure: bool = False,
    batch: int = 4,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[ActivationPatching]:
    """What each activation does for a task: put in what it was on the other prompt, and run on.

    Activation patching (Vig et al. 2020; Meng et al. 2022; Zhang & Nanda 2024, Towards Best
    Practices of Activation Patching), exact: the rest of the model runs for each one. Patches of
    all layers go through the model together, and positions before the first token that differs are
    computed once.

    - "heads": z of each head, at all positions together, [layer, head].
    - "stream": the residual stream before each layer at each position, [layer, position]: where
      what the answer depends on is at each depth.
    - "attention", "mlps": what each layer's attention, or MLP, adds at each position.

    Positions are those of the prompts, which are aligned. Of edges between nodes
    `extract_circuit(model, task, method="exact")` does the same.

    Args:
        model: A TransformerBridge.
        task: Its prompts and its metric: `Task.ioi(model)`, `Task.repeated_tokens(model)`, yours.
        what: Which activations.
        direction: "noising": the clean prompt runs with one activation of the corrupt one, and the
            effect is what the metric loses: what the activation is needed for. "denoising": the
            corrupt prompt runs with one activation of the clean one, and the effect is what comes
            back: what it is enough for.
        allow_failure: Patch for a task that the model fails.
        batch: Prompts a pass.
        seed: Of the flips of signs.
        confidence: Of the intervals over prompts.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model or not a task, or an unknown keyword.
        ValueError: An unknown `what` or `direction`; no MLPs in a model that has none.
        TaskFailed: The model does not do the task.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=6, length=6)
    >>> result = cw.patch_activations(model, task, progress=False)
    >>> result.highest(1)[0][0]
    '0.1'
    """
    check_is_task(task)
    settings = Settings(
        task=task.settings,
        what=arguments.choice("what", what, tuple(WHAT)),
        direction=arguments.choice("direction", direction, DIRECTIONS),
        allow_failure=arguments.flag("allow_failure", allow_failure),
        batch=arguments.whole("batch", batch, 1),
        seed=arguments.seed(seed),
        confidence=arguments.share("confidence", confidence),
    )
    if what == "mlps" and not any(parts_of(model).mlps):
        accepted = ", ".join(repr(name) for name in WHAT if name != "mlps")
        raise ValueError(f"this model has no MLPs to patch; accepted are {accepted}")
    require_task(
        model, task, allow_failure=allow_failure, confidence=confidence, batch=settings.batch
    )
    made = begun(
        model,
        "patch_activations",
        settings,
        method=f"activation patching, {settings.direction}; Student's t over prompts",
        probe=task.described(),
        n_total=len(task),
        unit="prompts",
    )
    return _results(model, task, settings, made)


def _results(
    model: TransformerBridge, task: Task, settings: Settings, made: Provenance
) -> Iterator[ActivationPatching]:
    nodes = parts_of(model)
    effects: list[Tensor] = []
    ends: list[tuple[Tensor, Tensor]] = []
    for start in range(0, len(task), settings.batch):
        some = task.batch(slice(start, start + settings.batch))
        patching = patching_of(model, nodes, some, settings.direction)
        effects.append(_effects(patching, settings.what).cpu())
        run, other = patching.before.float().cpu(), patching.other.float().cpu()
        ends.append((run, other) if settings.direction == "noising" else (other, run))
        clean, corrupt = (torch.cat(part) for part in zip(*ends, strict=True))
        done = dataclasses.replace(made, n_done=len(clean))
        yield _result(model, task, settings, done, torch.cat(effects), clean, corrupt)


def _effects(patching: Patching, what: str) -> Float[Tensor, "prompt layer column"]:
    return patching.heads() if what == "heads" else patching.places(_SITES[what])


def _result(
    model: TransformerBridge,
    task: Task,
    settings: Settings,
    made: Provenance,
    effects: Float[Tensor, "prompt layer column"],
    clean: Float[Tensor, " prompt"],
    corrupt: Float[Tensor, " prompt"],
) -> ActivationPatching:
    confidence = settings.confidence
    first = tokenize(model, task.clean[:1].cpu())
    share = ratio_interval(effects, clean - corrupt, confidence)
    # Where a patch changes nothing in any prompt there is nothing to test.
    tested = (effects.isfinite() & (effects != 0)).any(0)
    q = torch.full_like(effects[0], torch.nan)
    if bool(tested.any()):
        q[tested] = sign_flip_q(effects[:, tested], settings.seed)
    return ActivationPatching(
        provenance=made,
        task=task.name,
        metric=task.metric,
        what=settings.what,
        direction=settings.direction,
        tokens=first.strings,
        ids=tuple(first.ids[0].tolist()),
        corrupt_tokens=tokenize(model, task.corrupt[:1].cpu()).strings,
        roles=task.roles,
        n_prompts=len(effects),
        n_heads=int(model.cfg.n_heads),
        effect=_score(mean_interval(effects, confidence)),
        share=_score(share),
        q=q,
        clean=_score(mean_interval(clean, confidence)),
        corrupt=_score(mean_interval(corrupt, confidence)),
    )


def _score(ends: tuple[Tensor, Tensor, Tensor]) -> Score:
    return Score(**dict(zip(("value", "low", "high"), ends, strict=True)))
