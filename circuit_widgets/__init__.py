"""Explore the self-attention circuits of a transformer by clicking, in a notebook.

import circuit_widgets as cw

model = cw.load_model()                       # a small trained model, shipped in the package
cw.explore(model, "blue dog seven blue dog")  # every head, linked views, the kernel behind them
cw.identify_induction_heads(model)            # an analysis; its result shows itself
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# Imported at first use: torch and transformer_lens take seconds, and a typing mistake should not.
# The names, and where they live, stand once: in `__init__.pyi`.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext circuit_widgets`: magics for the model and for every topic."""
    from circuit_widgets.ipython import load

    load(shell)
