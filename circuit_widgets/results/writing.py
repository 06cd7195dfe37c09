"""Files that are whole or not there."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


def replace_file(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file so that `path` holds either all of it or what it held before.

    The temporary file is in the same folder, because a rename is atomic only within one file
    system.

    Raises:
        OSError: It cannot be written there.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        if error.errno is None:
            raise
        # By the name that was asked for.
        raise type(error)(error.errno, error.strerror, os.fspath(target)) from error
    finally:
        temporary.unlink(missing_ok=True)
    return target
