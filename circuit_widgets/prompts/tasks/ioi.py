"""The task of indirect objects: the name that does not come twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from circuit_widgets import arguments
from circuit_widgets.prompts.tasks.words import Parts, draw, one_token, reader, written

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.prompts.tasks.task import Task

NAMES = (
    *("Mary", "John", "James", "Robert", "Michael", "William", "David", "Richard", "Joseph"),
    *("Thomas", "Charles", "Daniel", "Matthew", "Anthony", "Mark", "Paul", "Steven", "Andrew"),
    *("Kenneth", "Kevin", "Brian", "George", "Edward", "Ronald", "Jason", "Jeffrey", "Ryan"),
    *("Jacob", "Gary", "Nicholas", "Eric", "Jonathan", "Stephen", "Larry", "Justin", "Scott"),
    *("Benjamin", "Samuel", "Frank", "Patrick", "Jack", "Dennis", "Alexander", "Tyler", "Aaron"),
    *("Henry", "Peter", "Adam", "Nathan", "Arthur", "Simon", "Martin", "Luke", "Oliver", "Philip"),
    *("Patricia", "Jennifer", "Linda", "Elizabeth", "Susan", "Jessica", "Sarah", "Karen", "Lisa"),
    *("Nancy", "Sandra", "Ashley", "Emily", "Donna", "Michelle", "Carol", "Amanda", "Melissa"),
    *("Rebecca", "Laura", "Sharon", "Kathleen", "Amy", "Anna", "Nicole", "Emma", "Helen"),
    *("Katherine", "Christine", "Rachel", "Maria", "Catherine", "Julie", "Victoria", "Alice"),
    *("Lucy", "Diana", "Jane", "Kate", "Ruth", "Rose", "Claire", "Sophie", "Charlotte", "Julia"),
)
OPENERS = ("When", "After", "While", "As", "Once", "Before", "Since", "Because")
GOING = (" went", " came", " got", " ran", " walked", " drove", " moved", " returned")
PLACES = (
    *(" store", " park", " school", " station", " hospital", " restaurant", " garden", " house"),
    *(" office", " beach", " market", " library", " church", " museum", " hotel", " bar", " farm"),
)
GIVING = (" gave", " handed", " passed", " sent", " sold", " brought", " showed", " offered")
OBJECTS = (
    *(" ring", " bone", " ball", " computer", " drink", " book", " key", " cake", " letter"),
    *(" ticket", " hat", " map", " pen", " watch", " flower", " gift", " bag", " camera"),
)
ORDERS = ("both", "ABBA", "BABA")
# Two that are in the clean prompt and three others in the corrupt one.
_LEAST = 5


def ioi(
    cls: type[Task],
    model: TransformerBridge,
    n: int = 16,
    seed: int = 0,
    *,
    order: str = "both",
    metric: str = "logit_difference",
) -> Task:
    """Indirect object identification (Wang et al. 2022, "Interpretability in the Wild").

    clean      When Mary and John went to the store, John gave a ring to      (Mary, not John)
    corrupt    When Paul and Lisa went to the store, Mark gave a ring to      (ABC: no name twice)

    Names, verbs, places and objects are drawn among those that are one token in this tokenizer, so
    that all prompts have one length and differ from their corrupt ones in the three names only,
    which are none of the clean ones. Every second prompt has the order of ABBA (the indirect object
    first), the others BABA. The sentence is one frame of the paper's, with slots, and not all of
    its fifteen: these have other lengths, and a position would be another thing in each.

    Args:
        cls: `Task`.
        model: A model that reads English.
        n: How many prompts.
        seed: Of the draws.
        order: "both", "ABBA" or "BABA". With one order positions 2 and 4 are named IO and S1, with
            both "name 1" and "name 2".
        metric: As in `Task.score`.

    Raises:
        ValueError: The tokenizer has fewer than five of the names as one token, or none of the
            words of a slot.

    >>> import circuit_widgets as cw
    >>> cw.Task.ioi(cw.load_model(), n=4)
    Traceback (most recent call last):
    ValueError: the task 'ioi' needs 5 names that are one token, and this tokenizer has 0 of the ...
    """
    n, seed = arguments.whole("n", n, 1), arguments.seed(seed)
    order = arguments.choice("order", order, ORDERS)
    tokenizer = reader(model, "ioi")
    names = one_token(tokenizer, (f" {name}" for name in NAMES), " and")
    if len(names) < _LEAST:
        raise ValueError(
            f"the task 'ioi' needs {_LEAST} names that are one token, and this tokenizer has "
            f"{len(names)} of the {len(NAMES)} that are tried: it does not read English names"
        )
    slots = {
        "opener": [*one_token(tokenizer, OPENERS, "")],
        "going": [*one_token(tokenizer, GOING, " they")],
        "place": [*one_token(tokenizer, PLACES, " the")],
        "giving": [*one_token(tokenizer, GIVING, " they")],
        "object": [*one_token(tokenizer, OBJECTS, " a")],
    }
    for slot, words in slots.items():
        if not words:
            raise ValueError(
                f"the task 'ioi' has no {slot} that is one token in this tokenizer: it does not "
                "read English"
            )
    generator = torch.Generator().manual_seed(seed)
    clean: list[Parts] = []
    corrupt: list[Parts] = []
    answers: list[tuple[int, int]] = []
    for row in range(n):
        a, b, *others = draw([*names], _LEAST, generator)
        words = {slot: draw(of, 1, generator)[0] for slot, of in slots.items()}
        abba = order == "ABBA" or (order == "both" and row % 2 == 0)
        roles = ("name 1", "name 2") if order == "both" else ("IO", "S1") if abba else ("S1", "IO")
        clean.append(_sentence(words, (a, b) if abba else (b, a), b, roles))
        corrupt.append(_sentence(words, (others[0], others[1]), others[2], roles))
        answers.append((names[a], names[b]))
    right, wrong = zip(*answers, strict=True)
    return written(cls, model, "ioi", metric, clean, corrupt, right, wrong)


def _sentence(
    words: dict[str, str], pair: tuple[str, str], giver: str, roles: tuple[str, str]
) -> Parts:
    first, second = pair
    return [
        ("opener", words["opener"]),
        (roles[0], first),
        ("and", " and"),
        (roles[1], second),
        ("going", words["going"]),
        ("to", " to"),
        ("the", " the"),
        ("place", words["place"]),
        (",", ","),
        ("S2", giver),
        ("giving", words["giving"]),
        ("a", " a"),
        ("object", words["object"]),
        ("to", " to"),
    ]
