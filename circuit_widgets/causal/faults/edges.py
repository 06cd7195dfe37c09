"""An edge that is cut: one reader no longer hears what one writer writes.

The reader's input is computed again of the stream without that write, in the middle of the pass, so
that all that lies between them goes on as it was (path patching with nothing, for every run).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.asides import found, leave
from circuit_widgets.capture.edits import Edit, Intervention
from circuit_widgets.capture.hooks import has_site
from circuit_widgets.capture.standing import Listener
from circuit_widgets.causal.faults.kinds import Asked, Kind, Plan
from circuit_widgets.causal.faults.layer import Layer
from circuit_widgets.causal.nodes import Nodes, Source, Target, nodes_of
from circuit_widgets.heads import Head
from circuit_widgets.weights.writing import PartsMissing, writing


def _cut(asked: Asked) -> Plan:
    model = asked.layer.model
    try:
        nodes = nodes_of(model)
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    source, targets = _ends(nodes, asked.options["writer"], asked.options["reader"])
    edits, listeners = _listening(Layer(model, max(source.layer, 0)), source)
    last = len(nodes.heads) - 1
    for at, some in _by_layer(targets).items():
        parts = _cutting(Layer(model, at), some, source.name, asked.strength, last)
        edits, listeners = edits + parts[0], listeners + parts[1]
    names = [name for target in targets for name in target.nodes]
    heads = [Head.parse(name) for name in dict.fromkeys(names) if _is_head(name)]
    cuts = {(source.name, target.name): asked.strength for target in targets}
    return Plan(edits, tuple(heads), cuts=cuts, listeners=listeners)


def _is_head(name: str) -> bool:
    return name.replace(".", "").isdigit()


def _ends(nodes: Nodes, writer: str, reader: str) -> tuple[Source, list[Target]]:
    """The two ends of an edge; a head's name is all of its readers.

    Raises:
        ValueError: There is no such writer, no such reader, or no edge between them.
    """
    if writer not in nodes.source_at:
        raise ValueError(
            f"nothing writes as {writer!r}; accepted are 'embedding', heads ('0.1') and MLPs "
            "('0.mlp') of this model"
        )
    at = nodes.source_at[writer]
    targets = [
        target
        for target in nodes.targets
        if reader in (target.name, *target.nodes, *(f"{n}.{target.entry}" for n in target.nodes))
    ]
    if not targets:
        raise ValueError(
            f"nothing reads as {reader!r}; accepted are heads ('1.2'), their entries ('1.2.q'), "
            "MLPs ('1.mlp') and 'logits' of this model"
        )
    later = [t for t in targets if nodes.sources[at].stage < t.stage]
    if not later:
        raise ValueError(f"there is no edge from {writer} to {reader}: it does not come later")
    return nodes.sources[at], later


def _by_layer(targets: list[Target]) -> dict[int, list[Target]]:
    grouped: dict[int, list[Target]] = {}
    for target in targets:
        grouped.setdefault(target.layer, []).append(target)
    return grouped


def _listening(layer: Layer, source: Source) -> tuple[list[Intervention], list[Listener]]:
    """What the writer writes is left for later layers, as it is after all edits of a run."""
    model, at = layer.model, layer.at

    def take(tensor: Tensor) -> None:
        leave(model, source.name, tensor)

    if source.layer < 0:
        return [], [Listener(layer.entrance("attn"), take)]
    if source.head is None:
        layer.check_same("mlp_out", _before_mlp(layer), layer.mlp)
        return [], [Listener(layer.block.mlp, take, gives=True)]
    head, z, out = source.head, capture.Keep("z", {at}), capture.Keep("attn_out", {at})
    layer.run([z, out])
    try:
        writing(model, at, z.tensors[at], out.tensors[at])
    except PartsMissing as error:
        raise ValueError(str(error)) from error
    seen: dict[str, Tensor] = {}
    n_heads = layer.n_heads

    def keep(flat: Tensor) -> None:
        seen["z"] = flat.flatten(2).unflatten(-1, (n_heads, -1))

    def written(_: int, attn_out: Tensor) -> Tensor:
        own = writing(model, at, seen["z"], attn_out)
        take(own.of(seen["z"][:, :, head], head).to(attn_out.dtype))
        return attn_out

    output: Any = getattr(layer.block.attn, "o", None)
    inner = getattr(output, "original_component", None)
    if inner is None:
        raise ValueError("this model has no output projection that could be heard")
    return [Edit("attn_out", frozenset({at}), written)], [Listener(inner, keep)]


def _before_mlp(layer: Layer) -> str:
    return "resid_mid" if has_site(layer.model, layer.at, "resid_mid") else "resid_pre"


def _cutting(
    layer: Layer, targets: list[Target], name: str, share: float, last: int
) -> tuple[list[Intervention], list[Listener]]:
    """Readers of one layer get another input."""
    model, heard = layer.model, {}

    def without(stream: Tensor) -> Tensor:
        return stream - share * found(model, name).to(stream)

    if targets[0].entry == "logits":
        return [Edit("resid_post", frozenset({last}), lambda _, stream: without(stream))], []
    at, edits, listeners = frozenset({layer.at}), [], []
    for part in ("mlp", "attn"):
        if any((target.entry == "mlp") == (part == "mlp") for target in targets):

            def hear(stream: Tensor, part: str = part) -> None:
                heard[part] = stream

            listeners.append(Listener(layer.entrance(part), hear))
    for target in targets:
        entry, index = target.entry, target.index
        if entry == "mlp":
            layer.check_same("mlp_out", _before_mlp(layer), layer.mlp)
            edits.append(
                Edit("mlp_out", at, lambda _, out: layer.mlp(without(heard["mlp"])).to(out))
            )
            continue
        layer.check_same(entry, "resid_pre", lambda x, e=entry: layer.read(e, layer.normed(x)))

        def read(_: int, own: Tensor, entry: str = entry, index: int = index) -> Tensor:
            edited = own.clone()
            stream = without(heard["attn"])
            edited[:, :, index] = layer.read(entry, layer.normed(stream))[:, :, index].to(own)
            return edited

        edits.append(Edit(entry, at, read))
    return edits, listeners


EDGES: dict[str, Kind] = {
    "cut_edge": Kind(
        "cuts an edge",
        "share of the writer's write that the reader does not hear",
        1.0,
        _cut,
        options={"reader": ...},
    )
}
