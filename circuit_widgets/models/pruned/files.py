"""A model in a folder: an ordinary checkpoint where that can hold it, else one that we read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from circuit_widgets.models._check import check_model, own_name
from circuit_widgets.models.pruned.agreeing import masked, near, some_tokens
from circuit_widgets.models.pruned.kept import known
from circuit_widgets.models.pruned.prune import layer_sizes, reslice
from circuit_widgets.models.pruned.skeleton import build, described, description, written

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

RECORD, _SETTINGS, _WEIGHTS, _TOKENIZER = "pruned.json", "whole", "weights.safetensors", "tokenizer"
_FORMAT = 1


def save_model(model: TransformerBridge, folder: str | Path) -> Path:
    """Save a model in a folder that `load_model` reads.

    A transformers model whose layers have as many heads each is saved as an ordinary checkpoint,
    where its config can say how wide heads are; a model that is no such one, in a format of our
    own, and so is one without a tokenizer: the settings of the whole model, the heads that are
    left, and their weights.

    Args:
        model: A TransformerBridge; one of `prune_heads`, or another.
        folder: Is made if it is not there.

    Raises:
        ValueError: A model whose settings are not known; a folder that is not empty.

    >>> import tempfile
    >>> import circuit_widgets as cw
    >>> small = cw.prune_heads(cw.load_model(), ["0.1"])
    >>> at = cw.save_model(small, tempfile.mkdtemp())
    >>> cw.models.pruned.kept_heads(cw.load_model(at))
    ((0, 2, 3), (0, 1, 2, 3))
    """
    check_model(model)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty; accepted is a new or an empty folder")
    ordinary = _ordinary(model)
    if ordinary is not None:
        ordinary.save_pretrained(folder)
        if model.tokenizer is not None:
            model.tokenizer.save_pretrained(folder)
        return folder
    _save_own(model, folder)
    return folder


def _ordinary(model: TransformerBridge) -> Any:
    """The model as transformers has it; None if its config cannot say it."""
    kind, config = description(model)
    sizes = set(layer_sizes(model))
    if kind != "transformers" or len(sizes) > 1 or model.tokenizer is None:
        return None
    n_heads, n_keys = sizes.pop()
    config.num_attention_heads = n_heads
    if hasattr(config, "num_key_value_heads"):
        config.num_key_value_heads = n_keys
    # Else it may be the width of the stream over the number of heads.
    config.head_dim = int(model.cfg.d_head)
    plain = {
        name.replace("._original_component", ""): weight
        for name, weight in model.original_model.state_dict().items()
    }
    try:
        # One that no bridge has taken apart.
        whole: Any = type(model.original_model)(config).to(model.cfg.dtype).eval()
        with torch.no_grad():
            for name, weight in whole.state_dict().items():
                if plain[name].shape != weight.shape:
                    return None
                weight.copy_(plain[name])
    except (KeyError, ValueError, RuntimeError, TypeError, AttributeError):
        return None
    return whole if _same_logits(model, whole) else None


def _same_logits(model: TransformerBridge, inner: Any) -> bool:
    with torch.no_grad():
        logits = inner(some_tokens(model, 2, 12)).logits.float()
    return near(logits, masked(model, []).to(logits.device))


def _save_own(model: TransformerBridge, folder: Path) -> None:
    from safetensors.torch import save

    kind, settings = description(model)
    (folder / _SETTINGS).mkdir()
    written(kind, settings, folder / _SETTINGS)
    if model.tokenizer is not None:
        model.tokenizer.save_pretrained(folder / _TOKENIZER)
    weights: dict[str, Tensor] = {
        name: weight.detach().cpu().contiguous().clone()
        for name, weight in model.state_dict().items()
    }
    (folder / _WEIGHTS).write_bytes(save(weights))
    kept, way = known.get(model, (None, ""))
    record = {
        "format": _FORMAT,
        "kind": kind,
        "name": own_name(model),
        "dtype": str(model.cfg.dtype).removeprefix("torch."),
        "kept": kept,
        "way": way,
        "words": getattr(model, "words", None),
    }
    # Last: a folder with it is whole.
    (folder / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")


def load_own(
    folder: Path, device: str | torch.device | None, dtype: torch.dtype | None
) -> TransformerBridge:
    """A model that `save_model` saved in our own format.

    Raises:
        ValueError: A format that this version does not read.
    """
    from safetensors.torch import load

    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    if record.get("format") != _FORMAT:
        raise ValueError(
            f"{folder / RECORD} has format {record.get('format')!r}; accepted is {_FORMAT}"
        )
    tokenizer = _tokenizer(folder / _TOKENIZER, record)
    settings = described(record["kind"], folder / _SETTINGS)
    stored = getattr(torch, record["dtype"])
    model = build(record["kind"], settings, tokenizer, record["name"], stored)
    if record["kept"] is not None:
        reslice(model, tuple(tuple(heads) for heads in record["kept"]), record["way"])
    model.load_state_dict(load((folder / _WEIGHTS).read_bytes()))
    if record["words"] is not None:
        model.words = tuple(record["words"])  # pyright: ignore[reportAttributeAccessIssue]
    if device is not None:
        model.to(device)
    return model if dtype is None else model.to(dtype)


def _tokenizer(folder: Path, record: dict[str, Any]) -> Any:
    if not folder.is_dir():
        return None
    if record["kind"] == "native":
        from circuit_widgets.zoo.tokenizer import load_tokenizer

        return load_tokenizer(folder)
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)
