"""Where converted models are kept, and how they get there whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """`$CIRCUIT_WIDGETS_CACHE`, or the platform's place for caches."""
    chosen = os.environ.get("CIRCUIT_WIDGETS_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("circuit_widgets", appauthor=False, opinion=False)


def made(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`, filled by `make` if it is not there yet.

    `make` writes into a new folder beside it, which gets the name when it is complete: whatever
    interrupts it, the cache holds no half of a model.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        make(draft)
        try:
            draft.rename(folder)
        except OSError:
            # Another process was faster: the same model.
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder
