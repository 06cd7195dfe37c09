"""Slice heads away: a smaller model that writes what the whole one does without them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from circuit_widgets.heads import Head, parse_heads
from circuit_widgets.models._check import check_model, name_of
from circuit_widgets.models.pruned.agreeing import Masked, some_tokens
from circuit_widgets.models.pruned.kept import kept_heads, known
from circuit_widgets.models.pruned.skeleton import skeleton
from circuit_widgets.models.pruned.slicing import WAYS, drop_fused, slice_layer

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

Kept = tuple[tuple[int, ...], ...]


def prune_heads(model: TransformerBridge, heads: Any) -> TransformerBridge:
    """A smaller model without some heads, whose weights are sliced away.

    Its logits are those of this model with these heads' z ablated to zero (Michel et al. 2019, "Are
    Sixteen Heads Really Better than One?"), which is checked. Layers may be left with different
    numbers of heads. Heads that share keys and values go one by one; a key/value head goes with the
    last of the heads that read it. What is left is counted anew from 0: `kept_heads` says which
    they were. The model itself stays as it is, and the smaller one shares nothing with it.

    Where layers have different numbers of heads, the smaller model is explored and analysed as
    before, and places of the grid without a head are missing; coordination, stability and further
    suggestions refuse it and say so.

    Args:
        model: A TransformerBridge, as it was loaded: without `enable_compatibility_mode`.
        heads: "5.1", or several.

    Raises:
        TypeError, ValueError: Heads that are none, or not there; all heads of a layer; a model
            whose heads cannot be sliced away, with the reason.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> small = cw.prune_heads(model, ["0.0", "1.0"])
    >>> small.cfg.n_heads, cw.model_cost(small).parameters < cw.model_cost(model).parameters
    (3, True)
    """
    check_model(model)
    sizes = layer_sizes(model)
    gone = _gone(heads, sizes)
    relative = [
        [head for head in range(n) if Head(layer, head) not in gone]
        for layer, (n, _) in enumerate(sizes)
    ]
    for layer, left in enumerate(relative):
        if not left:
            raise ValueError(
                f"layer {layer} would have no head left; accepted are heads that leave one in "
                f"each layer, and it has {sizes[layer][0]}"
            )
    before = kept_heads(model) or tuple(tuple(range(n)) for n, _ in sizes)
    kept = tuple(tuple(before[layer][head] for head in left) for layer, left in enumerate(relative))
    without, reason = Masked(model, sorted(gone)), ""
    for way in WAYS:
        try:
            small = _filled(model)
            for layer, left in enumerate(relative):
                if len(left) < sizes[layer][0]:
                    slice_layer(small, layer, sizes[layer], left, way)
            finish(small, kept, way)
            if without.is_done_by(small):
                return small
            reason = "without them it does not come to the logits of the model with them ablated"
        except (ValueError, RuntimeError, TypeError, AttributeError, KeyError) as error:
            reason = str(error).split("\n")[0]
    raise ValueError(f"heads of {name_of(model)} cannot be sliced away: {reason}")


def finish(model: TransformerBridge, kept: Kept, way: str) -> None:
    """Say of a sliced model what it is."""
    for layer in range(len(kept)):
        drop_fused(model, layer)
    known[model] = kept, way
    counts = {len(heads) for heads in kept}
    model.cfg.n_heads = max(counts)
    keys = {n for _, n in layer_sizes(model)}
    if len(counts) == len(keys) == 1:
        model.cfg.n_key_value_heads = None if keys == counts else keys.pop()


def layer_sizes(model: TransformerBridge) -> list[tuple[int, int]]:
    """Of each layer, how many heads and key/value heads it has: seen in a short run.

    >>> from circuit_widgets import load_model
    >>> layer_sizes(load_model())
    [(4, 4), (4, 4)]
    """
    from circuit_widgets import capture

    seen: dict[int, tuple[int, int]] = {}

    def see(layer: int, z: Tensor, k: Tensor) -> None:
        seen[layer] = z.shape[2], k.shape[2]

    readers = capture.together(("z", "k"), see)
    capture.run(model, some_tokens(model, 1, 2), readers, logits=False)
    return [seen[layer] for layer in range(len(model.blocks))]


def _filled(model: TransformerBridge) -> TransformerBridge:
    """The same model once more."""
    made = skeleton(model)
    earlier = known.get(model)
    if earlier is None:
        made.original_model.load_state_dict(model.original_model.state_dict())
        return made
    reslice(made, *earlier)
    made.load_state_dict(model.state_dict())
    return made


def reslice(model: TransformerBridge, kept: Kept, way: str) -> None:
    """Slice a whole model as another one was sliced."""
    for layer, size in enumerate(layer_sizes(model)):
        if len(kept[layer]) < size[0]:
            slice_layer(model, layer, size, kept[layer], way)
    finish(model, kept, way)


def _gone(heads: Any, sizes: Sequence[tuple[int, int]]) -> set[Head]:
    if heads is None:
        raise TypeError('heads is None; accepted are "5.1", or several such')
    gone = set(parse_heads(heads, len(sizes), max(n for n, _ in sizes)))
    for head in gone:
        Head.parse(head, len(sizes), sizes[head.layer][0])
    return gone
