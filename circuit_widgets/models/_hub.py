"""Models in Hugging Face's format: in a folder, in the local cache, on the Hub."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    import torch
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Seconds for one look at the Hub, names looked up and all. huggingface_hub's own retries would
# take minutes to find out that there is no network.
_PATIENCE = 4.0


def known_names() -> list[str]:
    """The Hugging Face models that TransformerLens lists by name."""
    from transformer_lens import supported_models

    return list(supported_models.OFFICIAL_MODEL_NAMES)


def official(name: str) -> str:
    """What the Hub calls a model that TransformerLens has a short name for ("gpt2-small")."""
    from transformer_lens.tools.model_registry.registry_io import resolve_model_alias

    return resolve_model_alias(name) or name


def boot_folder(
    folder: Path,
    name: str,
    device: str | torch.device | None,
    dtype: torch.dtype | None,
) -> TransformerBridge:
    """A model from a folder; `name` is what it will be called.

    Raises:
        FileNotFoundError: The folder has no config.json.
    """
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(
            f"{folder} has no config.json; accepted is a folder written by save_pretrained, with "
            "the model and its tokenizer"
        )
    model = _boot(str(folder), device, dtype)
    model.cfg.model_name = name
    return model


def boot_name(
    name: str,
    meant: str,
    device: str | torch.device | None,
    dtype: torch.dtype | None,
) -> TransformerBridge:
    """A model by its Hugging Face name. What the local cache has is not asked of the network.

    meant: a sentence with close names, for the errors.

    Raises:
        ValueError: There is no such model.
        ConnectionError: The Hub cannot be reached, known within 5 s.
    """
    folder = _cached(name)
    if folder is not None:
        return boot_folder(folder, name, device, dtype)
    try:
        _look_up(name)
    except LookupError:
        raise ValueError(
            f"there is no model {name!r} in the zoo, here as a folder, or on the Hugging Face "
            f"Hub.{meant}"
        ) from None
    except ConnectionError as error:
        raise ConnectionError(
            f"{name!r} is not in the local Hugging Face cache, and the Hugging Face Hub cannot be "
            f"reached ({error}). Connect, or copy the model to a folder and pass its path, as in "
            f"load_model('path/to/folder'); load_model() gives a toy that needs no network.{meant}"
        ) from None
    return _boot(name, device, dtype)


def is_loaded(model: object) -> TypeGuard[PreTrainedModel]:
    """Whether this is a Hugging Face model in memory."""
    # Nobody has one who did not import transformers, which takes seconds.
    transformers = sys.modules.get("transformers")
    return transformers is not None and isinstance(model, transformers.PreTrainedModel)


def wrap(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase | None,
    device: str | torch.device | None,
    dtype: torch.dtype | None,
) -> TransformerBridge:
    """A bridge around a Hugging Face model: its own weights, where and as they are.

    Raises:
        TypeError: There is no tokenizer.
    """
    from transformer_lens.model_bridge import TransformerBridge

    name = model.name_or_path or type(model).__name__
    if tokenizer is None:
        raise TypeError(
            f"{name} is a Hugging Face model without its tokenizer: pass both, as in "
            "load_model(model, tokenizer=tokenizer)"
        )
    # `boot_transformers` would cast to float32 and move to the GPU.
    bridge = TransformerBridge.boot_transformers(
        name,
        hf_model=model,
        tokenizer=tokenizer,
        device=model.device if device is None else device,
        dtype=model.dtype if dtype is None else dtype,
    )
    bridge.cfg.model_name = name
    return bridge


def _boot(
    name: str, device: str | torch.device | None, dtype: torch.dtype | None
) -> TransformerBridge:
    import torch
    from transformer_lens.model_bridge import TransformerBridge

    return TransformerBridge.boot_transformers(
        name, device=device, dtype=torch.float32 if dtype is None else dtype
    )


def _cached(name: str) -> Path | None:
    """The folder of a model that was downloaded before, whole."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if _is_whole(folder) else None


def _is_whole(folder: Path) -> bool:
    """Whether nothing is missing: a download may have been broken off, or was of one file."""
    indexes = [*folder.glob("*.safetensors.index.json"), *folder.glob("*.bin.index.json")]
    weights = {*folder.glob("*.safetensors"), *folder.glob("*.bin")}
    if indexes:
        shards = json.loads(indexes[0].read_text(encoding="utf-8"))["weight_map"].values()
        whole = all((folder / shard).exists() for shard in shards)
    else:
        whole = bool(weights)
    has_tokenizer = any(folder.glob("token*")) or any(folder.glob("*.model"))
    return whole and has_tokenizer and (folder / "config.json").exists()


def _look_up(name: str) -> None:
    """Return if the Hub has this model.

    Raises:
        LookupError: It has not, or not for you.
        ConnectionError: No answer, and why.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    failure: list[Exception] = []

    def ask() -> None:
        try:
            HfApi().model_info(name, timeout=_PATIENCE)
        except Exception as error:
            failure.append(error)

    # A thread, because the timeout does not count the time to look up a host's name.
    thread = threading.Thread(target=ask, name="circuit_widgets hub", daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    if thread.is_alive():
        raise ConnectionError(f"no answer in {_PATIENCE:.0f} s")
    if not failure:
        return
    error = failure[0]
    if isinstance(error, (RepositoryNotFoundError, HFValidationError)):
        raise LookupError(name) from error
    raise ConnectionError(str(error).strip().split("\n")[0] or type(error).__name__) from error
