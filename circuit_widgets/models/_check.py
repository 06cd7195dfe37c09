"""What a model must have to be looked into, and what it is called."""

from __future__ import annotations

import weakref
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Models that were looked at, and are what is asked for.
_SOUND: weakref.WeakSet[Any] = weakref.WeakSet()


def check_model(model: Any) -> None:
    """Return if the model has causal self-attention in every layer, which we can read.

    It looks at the model's parts and settings and runs nothing.

    Raises:
        TypeError: Not a `TransformerBridge`.
        ValueError: A model of another kind, with what kind it is.
    """
    from transformer_lens.model_bridge import TransformerBridge

    if not isinstance(model, TransformerBridge):
        raise TypeError(
            f"the model is {_article(type(model).__name__)}; accepted is a TransformerBridge, from "
            "circuit_widgets.load_model or TransformerBridge.boot_transformers"
        )
    # To go through all modules of a model takes as long as a tenth of a short pass.
    first = next(model.original_model.parameters(), None)
    if model in _SOUND and not (first is not None and first.is_meta):
        return
    reason = _reason(model)
    if reason:
        _SOUND.discard(model)
        raise ValueError(
            f"{name_of(model)} {reason}; accepted are decoder-only models with causal "
            "self-attention in every layer, such as GPT-2, Llama, Pythia, Gemma and Qwen"
        )
    _SOUND.add(model)


def _reason(model: TransformerBridge) -> str | None:
    """What is in the way, if anything is."""
    cfg: Any = model.cfg
    config = getattr(model.original_model, "config", None)
    if getattr(config, "is_encoder_decoder", False):
        return "has an encoder beside its decoder"
    if getattr(cfg, "is_visual_model", False) or getattr(cfg, "is_audio_model", False):
        return "does not read text"
    if any(weight.is_meta for weight in model.original_model.parameters()):
        return "is on the meta device, where weights have no numbers: load it onto a real one"
    if "blocks" not in dict(model.named_children()):
        return "has no single stack of layers"
    # The second are language models by diffusion.
    both_ways = getattr(cfg, "attention_dir", "causal") != "causal"
    if both_ways or not model.adapter.supports_causal_loss:
        return "attends to later tokens as well as to earlier ones (it is not causal)"
    if (getattr(cfg, "total_ut_steps", None) or 1) > 1:
        return "runs its layers several times in one pass"
    without = [
        layer
        for layer in range(len(model.blocks))
        if model.get_hook_point(f"blocks.{layer}.attn.hook_pattern") is None
    ]
    if len(without) == len(model.blocks):
        return "has no attention"
    if without:
        return f"has no attention in layer {', '.join(map(str, without))}"
    if model.get_hook_point("blocks.0.attn.hook_z") is None:
        # A mixture of heads, chosen for each token (JetMoE).
        return "has heads that are no fixed set, so that none has an output of its own"
    return None


def name_of(model: TransformerBridge) -> str:
    """A short name for people: "toy-induction", "gpt2", "SmolLM2-135M pruned to 263 heads".

    >>> import circuit_widgets as cw
    >>> name_of(cw.prune_heads(cw.load_model(), ["0.1", "1.3"]))
    'toy-induction pruned to 6 heads'
    """
    # The package of pruned models checks models by this file.
    from circuit_widgets.models.pruned.kept import kept_heads

    kept = kept_heads(model)
    pruned = "" if kept is None else f" pruned to {sum(map(len, kept))} heads"
    return f"{own_name(model)}{pruned}"


def own_name(model: TransformerBridge) -> str:
    """The name that the model was loaded by, whatever was sliced away since."""
    name = str(getattr(model.cfg, "model_name", None) or "model")
    # Of "EleutherAI/pythia-70m" and of a folder, the last part.
    return PurePath(name.replace("\\", "/")).name or "model"


def n_context(model: TransformerBridge) -> int:
    """How many tokens the model can read at once."""
    return int(model.cfg.n_ctx)


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
