"""What one head says to another: path patching."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from circuit_widgets.capture.inputs import BlockInputs
from circuit_widgets.capture.interventions import patch
from circuit_widgets.capture.replay import replay
from circuit_widgets.capture.resuming import resume
from circuit_widgets.causal.cuts import heard as heard_of
from circuit_widgets.heads import Head
from circuit_widgets.weights.groups import keys_read

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

ENTRIES = ("q", "k", "v")


def path_patch(
    model: TransformerBridge,
    inputs: BlockInputs,
    sender: Head,
    sender_z: Float[Tensor, "batch pos d_head"],
    receiver: Head,
    through: Collection[str] = ENTRIES,
    *,
    change: Float[Tensor, "batch pos d_model"] | None = None,
) -> Float[Tensor, "batch pos vocab"]:
    """Logits if only the receiver's input from the sender is replaced (path patching).

    The direct path alone (Wang et al. 2022, Interpretability in the Wild, section 3.1; Goldowsky-
    Dill et al. 2023): what the sender writes changes in the residual stream that the receiver
    reads, everything between them stays as it was, and from the receiver's output on the model runs
    as always.

    Args:
        model: The model of the run.
        inputs: Of a run of the tokens in question.
        sender: A head of an earlier layer than the receiver's.
        sender_z: What its z is replaced by.
        receiver: The head whose input is replaced.
        through: By which of its "q", "k" and "v"; with grouped keys and values, the receiver alone
            sees its group's changed k or v.
        change: What `write_change` gives for the sender and its z, where that is known already.

    Raises:
        ValueError: The sender is not in an earlier layer; an unknown entry; a z that does not fit.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> inputs, keep = capture.BlockInputs(), capture.Keep("z")
    >>> clean = capture.run(model, ids, [inputs, keep])
    >>> z = keep.tensors[0][:, :, 1]
    >>> same = path_patch(model, inputs, Head(0, 1), z, Head(1, 2))
    >>> bool((same - clean).abs().max() < 1e-4)
    True
    """
    z = receiver_z(model, inputs, sender, sender_z, receiver, through, change=change)
    return resume(
        model,
        inputs,
        receiver.layer,
        interventions=[patch("z", {receiver.layer: z}, heads=receiver)],
    )


def receiver_z(
    model: TransformerBridge,
    inputs: BlockInputs,
    sender: Head,
    sender_z: Float[Tensor, "batch pos d_head"],
    receiver: Head,
    through: Collection[str] = ENTRIES,
    site: str = "z",
    *,
    change: Float[Tensor, "batch pos d_model"] | None = None,
) -> Tensor:
    """Z of the receiver's layer (or another site of it) after the change; see `path_patch`.

    Only the receiver's entry of it has a meaning.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> inputs, keep = capture.BlockInputs(), capture.Keep("z")
    >>> clean = capture.run(model, ids, [inputs, keep])
    >>> z = keep.tensors[0][:, :, 1]
    >>> receiver_z(model, inputs, Head(0, 1), 0 * z, Head(1, 2), ("k",), "pattern").shape
    torch.Size([1, 4, 5, 5])
    """
    if sender.layer >= receiver.layer:
        raise ValueError(
            f"{sender} cannot send to {receiver}: accepted is a sender in an earlier layer"
        )
    entries = list(through)
    if not entries or not set(entries) <= set(ENTRIES):
        raise ValueError(f"through is {entries}; accepted are some of 'q', 'k' and 'v'")
    if change is None:
        change = write_change(model, inputs, sender, sender_z)
    heard: dict[str, Tensor] = {}
    shares = {entry: heard_of(model, str(sender), str(receiver), entry) for entry in entries}
    for share in dict.fromkeys(shares.values()):
        some = [entry for entry in entries if shares[entry] == share]
        stream = inputs.stream(receiver.layer) + share * change
        heard |= replay(model, inputs, receiver.layer, some, stream)
    return replay(
        model,
        inputs,
        receiver.layer,
        [site],
        interventions=[
            patch(
                entry,
                {receiver.layer: tensor},
                heads=(receiver.layer, entry_head(model, receiver, tensor)),
            )
            for entry, tensor in heard.items()
        ],
    )[site]


def write_change(
    model: TransformerBridge,
    inputs: BlockInputs,
    head: Head,
    z: Float[Tensor, "batch pos d_head"],
) -> Float[Tensor, "batch pos d_model"]:
    """How a head's write to the residual stream changes if its z is replaced.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> inputs, keep = capture.BlockInputs(), capture.Keep("z")
    >>> clean = capture.run(model, ids, [inputs, keep])
    >>> z = keep.tensors[0][:, :, 1]
    >>> float(write_change(model, inputs, Head(0, 1), z).abs().max())
    0.0
    """
    clean = replay(model, inputs, head.layer, ["z", "attn_out"])
    replaced = clean["z"].clone()
    if z.shape[1:] != replaced[:, :, head.index].shape[1:] or len(z) not in (1, len(replaced)):
        raise ValueError(
            f"z of the sender has shape {list(z.shape)}; accepted is "
            f"{list(replaced[:, :, head.index].shape)}"
        )
    replaced[:, :, head.index] = z
    changed = [patch("z", {head.layer: replaced}, heads=head)]
    after = replay(model, inputs, head.layer, ["attn_out"], interventions=changed)["attn_out"]
    return after - clean["attn_out"]


def entry_head(model: TransformerBridge, head: Head, tensor: Tensor) -> int:
    """Which head of a q, k or v tensor a head uses: with grouped keys and values, its group's.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> inputs, keep = capture.BlockInputs(), capture.Keep("z")
    >>> clean = capture.run(model, ids, [inputs, keep])
    >>> z = keep.tensors[0][:, :, 1]
    >>> entry_head(model, Head(1, 2), keep.tensors[1])
    2
    """
    n_heads = len(getattr(model.blocks[head.layer].attn, "keys_read", range(model.cfg.n_heads)))
    if tensor.shape[2] == n_heads:
        return head.index
    return keys_read(model, head.layer, n_heads, tensor.shape[2])[head.index]
