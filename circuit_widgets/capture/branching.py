"""Many changed copies of one run in one pass: each joins it at the layer that it is changed in."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.capture.close import close
from circuit_widgets.capture.edits import Edit, Intervention, plan_interventions
from circuit_widgets.capture.foreign import foreign_hooks
from circuit_widgets.capture.hooks import Hooks
from circuit_widgets.capture.inputs import BlockInputs
from circuit_widgets.capture.interventions import patch
from circuit_widgets.capture.locks import lock
from circuit_widgets.capture.replay import run_block
from circuit_widgets.capture.resuming import in_tuple, resume
from circuit_widgets.capture.run import run, settings
from circuit_widgets.capture.skipping import skipping

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Of each model, whether its layers one by one come to its logits.
_found: weakref.WeakKeyDictionary[TransformerBridge, bool] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Branch:
    """Copies of a run that leave it at a layer.

    Attributes:
        layer: The first layer that runs for them.
        times: How many copies of the run's batch, row after row.
        interventions: What is changed in them, in this layer.
    """

    layer: int
    times: int
    interventions: Collection[Intervention]


def branch(
    model: TransformerBridge,
    inputs: BlockInputs,
    branches: Sequence[Branch],
    places: Int[Tensor, "batch place"] | None = None,
) -> Float[Tensor, "row place vocab"]:
    """Logits of changed copies of a run, all in one pass.

    Rows of layer l begin at layer l, and go through the later layers together with those that began
    before: each layer's products are large, and no row is computed where it is the run itself. The
    unembedding is computed only where logits are asked for.

    Once for each model it is tried on a few tokens: one whose layers, called one after the other,
    do not come to its logits runs a branch at a time (`resume`), and so does one with hooks of the
    user's own.

    Args:
        model: The model of the run.
        inputs: What the layers were given.
        branches: Earlier layers first.
        places: Positions whose logits are wanted, of each row of the run; None is all.

    Returns:
        Branch after branch, each with its copies of the batch row after row.

    Raises:
        ValueError: Branches that are not in order; an edit of another layer than its branch's, or
            one that does not fit.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> inputs = capture.BlockInputs()
    >>> _ = capture.run(model, ids, [inputs])
    >>> cuts = [capture.ablate(f"{layer}.2", by="zero") for layer in (0, 1)]
    >>> branches = [capture.Branch(layer, 1, [cut]) for layer, cut in enumerate(cuts)]
    >>> found = capture.branch(model, inputs, branches, torch.tensor([[4]]))
    >>> bool((found[1] - capture.run(model, ids, [], [cuts[1]])[0, -1:]).abs().max() < 1e-4)
    True
    """
    if [each.layer for each in branches] != sorted(each.layer for each in branches):
        raise ValueError("branches are not in the order of their layers; accepted: earlier first")
    for each in branches:
        for edit in each.interventions:
            if edit.layers != frozenset({each.layer}):
                raise ValueError(
                    f"a branch at layer {each.layer} changes {edit.site!r} in layers "
                    f"{sorted(edit.layers or [])}; accepted is its own layer"
                )
    if places is not None:
        n = sum(each.times for each in branches)
        places = places.to(model.cfg.device).repeat(n, 1)
    if not can_branch(model):
        return _at(torch.cat([_alone(model, inputs, each) for each in branches]), places)
    return _together(model, inputs, branches, places)


def _alone(
    model: TransformerBridge, inputs: BlockInputs, one: Branch
) -> Float[Tensor, "row pos vocab"]:
    rows = inputs.stream(one.layer).repeat(one.times, 1, 1)
    return resume(model, inputs, one.layer, rows, one.interventions)


def _together(
    model: TransformerBridge,
    inputs: BlockInputs,
    branches: Sequence[Branch],
    places: Int[Tensor, "row place"] | None,
) -> Float[Tensor, "row place vocab"]:
    joining = {layer: [*some] for layer, some in groupby(branches, lambda each: each.layer)}
    rows: Tensor | None = None
    # The model is locked layer by layer: a widget that asks for a pattern need not wait for all.
    for layer in range(branches[0].layer, len(model.blocks)):
        rows = _layer(model, inputs, layer, rows, joining.get(layer, []))
    assert rows is not None
    return unembedded(model, _at(rows, places))


def _layer(
    model: TransformerBridge,
    inputs: BlockInputs,
    layer: int,
    before: Float[Tensor, "row pos d_model"] | None,
    new: Sequence[Branch],
) -> Float[Tensor, "more pos d_model"]:
    own = inputs.stream(layer)
    hooks = Hooks(model)
    inputs.plan_interventions(model, hooks, layer)
    start = 0 if before is None else len(before)
    parts = [] if before is None else [before]
    for each in new:
        stop = start + each.times * len(own)
        edits = [_on_rows(edit, slice(start, stop)) for edit in each.interventions]
        plan_interventions(model, hooks, edits)
        parts.append(own.repeat(each.times, 1, 1))
        start = stop
    rows = torch.cat(parts) if len(parts) > 1 else parts[0]
    with torch.no_grad():
        return hooks.around(lambda: run_block(model, inputs, layer, rows))


def _on_rows(edit: Intervention, rows: slice) -> Intervention:
    """An edit that sees some rows only."""

    def change(layer: int, tensor: Tensor) -> Tensor:
        changed = tensor.clone()
        changed[rows] = edit.edit(layer, tensor[rows])
        return changed

    return Edit(edit.site, edit.layers, change)


def _at(tensor: Float[Tensor, "row pos d"], places: Tensor | None) -> Float[Tensor, "row place d"]:
    if places is None:
        return tensor
    return tensor[torch.arange(len(tensor), device=tensor.device)[:, None], places]


def unembedded(
    model: TransformerBridge, stream: Float[Tensor, "row place d_model"]
) -> Float[Tensor, "row place vocab"]:
    """What the model makes of streams after its last layer: its own pass, without any layer."""
    blank = torch.zeros(stream.shape[:2], dtype=torch.long, device=model.cfg.device)
    as_tuple = in_tuple(model)
    assert as_tuple is not None

    def rest() -> Any:
        with skipping(model, len(model.blocks), stream, as_tuple):
            return model(blank, **settings(model))

    with torch.no_grad():
        return Hooks(model).around(rest)


def can_branch(model: TransformerBridge) -> bool:
    """Whether branches of this model run together.

    It has no hooks of the user's own, and its layers one by one come to the logits of its own
    passes, which is tried once.
    """
    if foreign_hooks(model):
        return False
    if model not in _found:
        with lock(model):
            _found[model] = in_tuple(model) is not None and _try(model)
    return _found[model]


def _try(model: TransformerBridge) -> bool:
    some = torch.arange(min(12, 2 * int(model.cfg.n_ctx)), device=model.cfg.device)
    tokens = some.remainder(int(model.cfg.d_vocab)).view(2, -1)
    inputs = BlockInputs()
    logits = run(model, tokens, [inputs])
    other = [patch("resid_pre", {0: inputs.stream(0).flip(0)})]
    # What a layer is given besides the stream may depend on it, or on what layers before kept.
    want = torch.cat([run(model, tokens, [], other), logits])
    last = len(model.blocks) - 1
    branches = [Branch(0, 1, other), Branch(last, 1, [])]
    places = torch.tensor([[tokens.shape[1] - 1, 0]], device=tokens.device).expand(2, -1)
    try:
        whole = _together(model, inputs, branches, None)
        few = _together(model, inputs, branches, places.repeat(2, 1))
    except Exception:
        return False
    return _same(whole, want) and _same(few, want[:, [-1, 0]])


def _same(found: Tensor, want: Tensor) -> bool:
    # `close` broadcasts a single row.
    return found.shape == want.shape and close(found, want)
