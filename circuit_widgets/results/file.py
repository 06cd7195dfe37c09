"""A result's file: tensors as safetensors, everything else in one JSON header. No pickle.

Reading is strict, because a file comes from anywhere: what does not fit is a `ValueError` with a
sentence, and nothing in a file names code to run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from circuit_widgets.results.provenance import versions
from circuit_widgets.results.writing import replace_file

# 1: version 0.1.0 until its scores of attention patterns became `Score`s. Each result class knows
# how its earlier formats are read (`Result._from_earlier`).
FORMAT = 2
_KEY, _SUM = "circuit_widgets", "circuit_widgets_sha256"


def write(path: str | os.PathLike[str], header: dict[str, Any], tensors: dict[str, torch.Tensor]):
    """Write a file so that `path` holds either all of it or what it held before."""
    # Clones: safetensors refuses tensors that share memory or are strided views.
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    full = {"format": FORMAT, **header, "tensors": sorted(plain)}
    told = json.dumps(full, allow_nan=False, default=dataclasses.asdict)
    # Python writes it, because `save_file` gives its files to their owner alone.
    replace_file(path, save(plain, metadata={_KEY: told, _SUM: _checksum(told, plain)}))


def _checksum(told: str, tensors: dict[str, torch.Tensor]) -> str:
    """Of the header and of every tensor, with its name, type and shape."""
    found = hashlib.sha256(told.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        found.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


def saved_by(header: dict[str, Any]) -> str:
    """Which version wrote a file and which one reads it, for the sentence that refuses it."""
    try:
        writer = str(header["provenance"]["versions"]["circuit_widgets"])
    except (KeyError, TypeError):
        writer = "of an unknown version"
    return f"saved by circuit_widgets {writer}; this is circuit_widgets {versions()[_KEY]}"


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Header and tensors of a file that `write` made.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a file of this kind, of a version that this package does not know,
            its tensors are not those that its header lists, or it was changed after it was saved.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            # Clones: a view of the mapped file would change with the file.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{os.fspath(path)!r} is not a safetensors file: {error}") from error
    if _KEY not in metadata:
        raise ValueError(
            f"{os.fspath(path)!r} is a safetensors file, but not a saved result: "
            f"its metadata has no {_KEY!r} entry"
        )
    # Files of version 0.1.0 have none.
    if _SUM in metadata and metadata[_SUM] != _checksum(metadata[_KEY], tensors):
        raise ValueError(
            f"{os.fspath(path)!r} is damaged: its numbers or its header are not those that were "
            "saved (the checksum differs)"
        )
    try:
        header = json.loads(metadata[_KEY])
        version = header["format"]
        listed = header["tensors"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the header of {os.fspath(path)!r} cannot be read: {error}") from error
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise ValueError(
            f"{os.fspath(path)!r} is of format {version!r}, {saved_by(header)}, which reads "
            f"formats 1 to {FORMAT}"
        )
    if sorted(tensors) != listed:
        missing = sorted(set(map(str, listed)) - set(tensors))
        extra = sorted(set(tensors) - set(map(str, listed)))
        raise ValueError(
            f"the tensors of {os.fspath(path)!r} are not those of its header: "
            f"missing {missing}, not listed {extra}"
        )
    return header, tensors
