"""What the scores of every head mean that are measured beside attention."""

from __future__ import annotations

from circuit_widgets.attention.diagonals import OLSSON
from circuit_widgets.results.score import About

# A habit of the field (0.3 to 0.5), not a law: a claim rests on the control and the interval.
ABOVE = 0.4
# An attended token is copied if it is among this many of the sequence's tokens.
TOP = 3
# Sequences that heads and paths are ablated on: each of them costs some dozens of passes.
ABLATED = 8
_ELHAGE = "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits"
# In the order in which they are shown, after the scores of attention.
MORE: dict[str, About] = {
    about.name: about
    for about in (
        About(
            "copying",
            "Copying (OV)",
            "How much W_V W_O writes the directions that it reads: sum of the real parts of its "
            "eigenvalues over the sum of their sizes. The baseline is random rotations of W_V.",
            _ELHAGE,
            least=-1.0,
            group="weights",
        ),
        About(
            "copying_logits",
            "Copying (to logits)",
            "The same for W_E W_V W_O W_U: attending to a token raises the logit of that token.",
            _ELHAGE,
            least=-1.0,
            group="weights",
        ),
        About(
            "copying_tokens",
            "Copied tokens",
            f"How often the token attended to most is among the {TOP} of the sequence that this "
            "head's own output raises most, in the second copy.",
            "after the copying score of " + OLSSON,
            null="chance",
        ),
        About(
            "ablation",
            "Ablation effect",
            "Rise of the loss on the second copy, in nats, when the head's z is replaced by its "
            "mean. The baseline is random other heads of the same layers, and its ends are where "
            f"one more of them would be. Of several sequences the first {ABLATED} are taken. "
            "Backup heads can hide a head's effect.",
            "mean ablation; McGrath et al. 2023, The Hydra Effect, for what it cannot see",
            most=None,
            group="ablation",
            unit="nats",
        ),
    )
}
