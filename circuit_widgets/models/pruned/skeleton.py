"""A model of the same architecture, whose weights mean nothing yet."""

from __future__ import annotations

import copy
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Settings of TransformerLens' own models; the rest is derived from these.
_PLAIN = (int, float, str, bool, type(None), list, dict)


def skeleton(model: TransformerBridge) -> TransformerBridge:
    """Another model with the settings of this one, before any head was sliced away.

    Raises:
        ValueError: It is neither transformers' nor TransformerLens' own.
    """
    kind, settings = description(model)
    made = build(kind, settings, model.tokenizer, str(model.cfg.model_name), model.cfg.dtype)
    if str(made.cfg.device) != str(model.cfg.device):
        made.to(model.cfg.device)
    if hasattr(model, "words"):  # Of a toy: what a user can write.
        made.words = model.words  # pyright: ignore[reportAttributeAccessIssue]
    return made


def description(model: TransformerBridge) -> tuple[str, Any]:
    """What makes the architecture: "transformers" and a config, or "native" and settings.

    Raises:
        ValueError: It is neither.
    """
    inner: Any = model.original_model
    config = getattr(inner, "config", None)
    if config is not None and hasattr(config, "to_dict"):
        return "transformers", copy.deepcopy(config)
    cfg = getattr(inner, "cfg", None)
    if cfg is None:
        raise ValueError("the model has no settings that it could be built from again")
    taken = _taken(type(cfg))
    plain = {
        name: value
        for name, value in vars(cfg).items()
        if name in taken and isinstance(value, _PLAIN)
    }
    return "native", plain


def build(
    kind: str, settings: Any, tokenizer: Any, name: str, dtype: torch.dtype
) -> TransformerBridge:
    """A model of a description, with random weights, in eval mode on the CPU."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge.sources import native
    from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):
        if kind == "native":
            config = TransformerBridgeConfig(**settings)
            config.init_weights = False
            made = native.boot(config, tokenizer=tokenizer, dtype=dtype, model_name=name)
        else:
            inner = AutoModelForCausalLM.from_config(
                settings, attn_implementation="eager", dtype=dtype
            )
            made = build_bridge_from_module(
                inner.eval(),
                type(inner).__name__,
                hf_config=inner.config,
                tokenizer=tokenizer,
                model_name=name,
            )
    return made.eval()


def written(kind: str, settings: Any, folder: Path) -> None:
    """Keep a description in a folder."""
    if kind == "native":
        text = json.dumps(settings, indent=1, sort_keys=True)
        (folder / "settings.json").write_text(text, encoding="utf-8")
    else:
        settings.save_pretrained(folder)


def described(kind: str, folder: Path) -> Any:
    """The settings or the config that a folder keeps."""
    if kind == "native":
        return json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(folder)


def _taken(kind: type) -> set[str]:
    """What a settings class is made of."""
    taken: set[str] = set()
    for each in kind.__mro__:
        if "__init__" in vars(each):
            taken |= set(inspect.signature(vars(each)["__init__"]).parameters)
    return taken - {"self", "kwargs", "device", "dtype", "architecture", "init_weights"}
