"""GGUF files: dequantised by transformers once, kept as safetensors."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from circuit_widgets.models import _hub
from circuit_widgets.models._cache import cache_folder, made

if TYPE_CHECKING:
    import torch
    from transformer_lens.model_bridge import TransformerBridge


def load_gguf(
    path: Path, device: str | torch.device | None, dtype: torch.dtype | None
) -> TransformerBridge:
    """A model from a GGUF file; the second time from the cache.

    The cache goes by the file's name, size and time of change.

    Raises:
        FileNotFoundError: No such file.
        ImportError: The file is not in the cache and the `gguf` package is missing.
        ValueError: transformers cannot read the file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    stat = path.stat()
    key = hashlib.sha256(f"{path.name}\n{stat.st_size}\n{stat.st_mtime_ns}".encode()).hexdigest()
    folder = cache_folder() / "gguf" / f"{path.stem}-{key[:12]}"
    return _hub.boot_folder(made(folder, lambda to: convert(path, to)), path.stem, device, dtype)


def convert(path: Path, folder: Path) -> None:
    """Write the model of a GGUF file and its tokenizer into a folder, in float32.

    Raises:
        ImportError: The `gguf` package is missing.
        ValueError: transformers cannot read the file.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if find_spec("gguf") is None:
        raise ImportError('GGUF files need the package gguf: pip install "circuit_widgets[gguf]"')
    at, file = str(path.parent), path.name
    try:
        quantised = AutoModelForCausalLM.from_pretrained(at, gguf_file=file, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(at, gguf_file=file)
    except Exception as error:
        raise ValueError(f"transformers cannot read {path}: {error}") from error
    config = quantised.config
    # The weights are plain now; with this left in, the next load would want to dequantise them.
    config.__dict__.pop("quantization_config", None)
    # A fresh model, because one that came from a quantised file refuses to be saved.
    plain = type(quantised)(config)
    plain.load_state_dict(quantised.state_dict())
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
