"""Whether there is somebody to show a widget to."""

from __future__ import annotations

import sys


def has_front_end() -> bool:
    """Is there a notebook kernel? In a terminal's IPython a widget would be made for nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
