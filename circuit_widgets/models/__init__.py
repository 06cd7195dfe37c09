"""Get a model: the shipped toy, one of the zoo, Hugging Face's, a folder, a GGUF file, or your own.

Importing this package imports neither torch nor transformer_lens (3 s): both wait for the model.
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from circuit_widgets.models import _hub, _smollm2
from circuit_widgets.models._check import check_model, n_context, name_of
from circuit_widgets.models._gguf import load_gguf

if TYPE_CHECKING:
    import torch
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["check_model", "known_names", "load_model", "n_context", "name_of"]


def load_model(
    name: str | Path | TransformerBridge | PreTrainedModel | None = None,
    *,
    tokenizer: PreTrainedTokenizerBase | None = None,
    step: int | None = None,
    seed: int | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> TransformerBridge:
    """A model to look into, in eval mode (no dropout).

    Args:
        name: What to load:
            None: the toy that comes with the package.
            A name of the zoo: "toy-induction" (`circuit_widgets.zoo.names()` lists them).
            "SmolLM2-135M": from the cache that `python -m circuit_widgets.models smollm2` fills.
            A Hugging Face name: "gpt2", "EleutherAI/pythia-70m"; from the local cache if it is
            there, without asking the network, else downloaded.
            A folder with a Hugging Face model, or one that `save_model` wrote.
            A GGUF file (dequantised to float32 the first time, which takes a while, and cached).
            A `TransformerBridge`: the very same one comes back, moved and cast as you ask, and in
            eval mode: TransformerLens' own models start in train mode, where dropout would make
            every run differ. `model.train()` puts it back.
            A Hugging Face model that is loaded already, with its `tokenizer`: it is wrapped, not
            copied, and computes attention in the "eager" way from then on, so that it can be read.
        tokenizer: Of a Hugging Face model.
        step: A checkpoint of a zoo model; None is the trained model.
        seed: The training seed of a zoo model; None is 0.
        device: Where it goes. None leaves a zoo model on the CPU and a bridge where it is, and
            puts any other on the GPU if there is one.
        dtype: Of the weights. None is float32, or what a bridge has.

    Raises:
        TypeError: `name` is no name, path, bridge or Hugging Face model; a Hugging Face model
            without its tokenizer, or a tokenizer without such a model.
        ValueError: An unknown name, with the close ones; `step` or `seed` for a model that is not
            of the zoo; a model whose attention cannot be read (see `check_model`).
        FileNotFoundError: No such file or folder; SmolLM2 has not been fetched yet.
        ConnectionError: The Hugging Face Hub cannot be reached; known within 5 s.

    >>> model = load_model()
    >>> model.cfg.n_layers, model.cfg.n_heads
    (2, 4)
    """
    from circuit_widgets import zoo

    if tokenizer is not None and not _hub.is_loaded(name):
        raise TypeError("a tokenizer is accepted only with a Hugging Face model that is loaded")
    if name is None:
        name = zoo.DEFAULT
    if isinstance(name, str) and name in zoo.names():
        model = zoo.load(name, step=step, seed=0 if seed is None else seed, device=device)
        return model if dtype is None else model.to(dtype)
    if step is not None or seed is not None:
        raise ValueError(
            f"step and seed choose a checkpoint of a zoo model ({', '.join(zoo.names())}), "
            f"and {_shown(name)} is not one"
        )
    if isinstance(name, (str, Path)):
        model = _load(name, device, dtype)
        check_model(model)
    elif _hub.is_loaded(name):
        model = _hub.wrap(name, tokenizer, device, dtype)
        check_model(model)
    else:
        model = cast("TransformerBridge", name)
        check_model(model)
        if device is not None:
            model.to(device)
        if dtype is not None:
            model.to(dtype)
    model.eval()
    return model


def known_names() -> list[str]:
    """Names that `load_model` takes: the zoo's and SmolLM2, which need no network.

    Hugging Face's too where TransformerLens, which lists them, is imported already: that takes
    seconds.

    >>> "toy-induction" in known_names()
    True
    """
    listed = _hub.known_names() if "transformer_lens" in sys.modules else []
    return [*_ours(), *listed]


def _load(
    name: str | Path, device: str | torch.device | None, dtype: torch.dtype | None
) -> TransformerBridge:
    if isinstance(name, str):
        if _smollm2.is_name(name):
            return _smollm2.load(device, dtype)
        if not name.strip():
            raise ValueError("the name is empty; load_model() without one gives the shipped toy")
    path = Path(name).expanduser()
    if path.suffix.lower() == ".gguf":
        return load_gguf(path, device, dtype)
    if (path / "pruned.json").is_file():
        # Imported only now: it imports torch.
        from circuit_widgets.models.pruned.files import load_own

        return load_own(path, device, dtype)
    if path.is_dir():
        return _hub.boot_folder(path, path.resolve().name, device, dtype)
    if path.exists():
        raise ValueError(f"{name} is a file; accepted are a folder with a model and a .gguf file")
    if isinstance(name, Path) or name.startswith((".", "/", "~")) or "\\" in name:
        raise FileNotFoundError(f"there is no file or folder {name}")
    name = _hub.official(name)
    ours = _close(name, _ours())
    if ours and "/" not in name:
        raise ValueError(
            f"there is no model {name!r}. Did you mean {_either(ours)}? "
            "A model of your own is loaded by its folder, 'path/to/folder'"
        )
    close = _close(name, _hub.known_names())
    meant = f" Did you mean {_either(close)}?" if close and name not in close else ""
    return _hub.boot_name(name, meant, device, dtype)


def _ours() -> list[str]:
    from circuit_widgets import zoo

    return [*zoo.names(), _smollm2.NAME]


def _close(name: str, known: list[str]) -> list[str]:
    """Those of the names that someone who wrote `name` may have meant."""
    by_lower = {full.lower(): full for full in known}
    for full in known:
        # Someone who forgets the organisation means the part behind it.
        by_lower[full.split("/")[-1].lower()] = full
        # A first part is enough: "smollm", "toy".
        by_lower.setdefault(full.split("-")[0].lower(), full)
    found = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.75)
    return list(dict.fromkeys(by_lower[close] for close in found))


def _either(names: list[str]) -> str:
    return " or ".join(map(repr, names))


def _shown(name: object) -> str:
    return repr(str(name)) if isinstance(name, (str, Path)) else f"a {type(name).__name__}"
