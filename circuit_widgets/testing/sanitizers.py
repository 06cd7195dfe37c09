"""What differs from run to run in the outputs of a notebook, for nbval to leave out."""

from __future__ import annotations

from pathlib import Path


def sanitizers() -> Path:
    """The file for `pytest --nbval --nbval-sanitize-with FILE`.

    It takes out seconds, dates, addresses in memory, progress bars and temporary folders, and keeps
    two decimals of each number: more of them differ between processors.

    >>> sanitizers().name
    'sanitize.cfg'
    """
    return Path(__file__).with_name("sanitize.cfg")
