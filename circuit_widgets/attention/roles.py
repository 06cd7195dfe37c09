"""What kind of head it is: a profile of roles, the same for every model, from random tokens.

Roles compare heads of models whose layers and heads are not the same ones.
"""

from __future__ import annotations

from circuit_widgets.attention.diagonals import SCORES
from circuit_widgets.results.score import About

# In the order in which they are shown. A head has them by degrees; none needs to hold.
ROLES: dict[str, About] = {
    **SCORES,
    "current_token": About(
        "current_token",
        "Current token",
        "Random tokens, twice: mean attention of each token to itself.",
        "Clark et al. 2019, What Does BERT Look At?",
        null="chance",
    ),
    "first_token": About(
        "first_token",
        "First token",
        "Random tokens, twice: mean attention to the first token, which often is an attention "
        "sink.",
        "Xiao et al. 2023, Efficient Streaming Language Models with Attention Sinks",
        null="chance",
    ),
}
# Attention that is of none of these kinds.
OTHER = "other"
