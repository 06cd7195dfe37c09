"""Small trained models shipped in the package, with their checkpoints.

`load()` gives a `TransformerBridge` without a network; `curve()` says how its training went.
Importing this module imports neither torch nor transformer_lens (3 s): both wait for `load()`.
"""

from __future__ import annotations

from .catalog import DEFAULT, curve, load, names, seeds, steps, words

__all__ = ["DEFAULT", "curve", "load", "names", "seeds", "steps", "words"]
