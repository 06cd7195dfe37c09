"""Explore the self-attention circuits of a transformer by clicking, in a notebook.

import circuit_widgets as cw

model = cw.load_model()                       # a small trained model, shipped in the package
cw.explore(model, "blue dog seven blue dog")  # every head, linked views, the kernel behind them
cw.identify_induction_heads(model)            # an analysis; its result shows itself
"""

import lazy_loader

# Imported at first use: torch and transformer_lens take seconds, and a typing mistake should not.
# The names, and where they live, stand once: in `__init__.pyi`.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
