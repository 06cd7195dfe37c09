"""The task of docstrings: which argument is described next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from circuit_widgets import arguments
from circuit_widgets.prompts.tasks.words import Parts, draw, one_token, reader, written

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.prompts.tasks.task import Task

WORDS = (
    *(" load", " size", " file", " last", " name", " path", " key", " value", " index", " text"),
    *(" data", " mode", " time", " date", " user", " model", " state", " type", " line", " page"),
    *(" image", " color", " width", " height", " depth", " level", " rate", " speed", " limit"),
    *(" count", " order", " scale", " shape", " label", " title", " host", " port", " method"),
    *(" group", " node", " parent", " target", " source", " project", " event", " message"),
    *(" option", " field", " table", " column", " filter", " range", " offset", " length", " mask"),
)
DESCRIPTIONS = (
    *(" oil", " piece", " crime", " population", " unit", " dark", " water", " summer", " music"),
    *(" paper", " river", " city", " story", " answer", " street", " winter", " garden", " doctor"),
    *(" bridge", " market", " science", " history", " weather", " village", " morning", " metal"),
)
# Four arguments, three others in the corrupt prompt, and the function's own name.
_LEAST = 8


def docstring(
    cls: type[Task],
    model: TransformerBridge,
    n: int = 16,
    seed: int = 0,
    *,
    metric: str = "logit_difference",
) -> Task:
    '''Docstrings in Python (Heimersheim & Janiak 2023, "A circuit for Python docstrings").

    clean      def port(self, load, size, files, last):
                   """oil column piece

                   :param load: crime population
                   :param size: unit dark
                   :param                                    (files, not load, size or last)

    In the corrupt prompt three words are others: the argument that is the answer, where the
    function declares it (the paper's "random answer"), and the two in the docstring ("random doc"),
    so that it neither has the answer nor says how far the description is. Wrong are the other
    arguments of the clean prompt, and the one that the corrupt prompt has in the answer's place.

    Args:
        cls: `Task`.
        model: A model that reads Python.
        n: How many prompts.
        seed: Of the draws.
        metric: As in `Task.score`.

    Raises:
        ValueError: The tokenizer has too few of the words as one token.

    >>> import circuit_widgets as cw
    >>> cw.Task.docstring(cw.load_model(), n=4)
    Traceback (most recent call last):
    ValueError: the task 'docstring' needs 8 names of arguments that are one token, and this ...
    '''
    n, seed = arguments.whole("n", n, 1), arguments.seed(seed)
    tokenizer = reader(model, "docstring")
    words = one_token(tokenizer, WORDS, ",")
    descriptions = [*one_token(tokenizer, DESCRIPTIONS, " the")]
    # The first word follows the quotes directly, and may be two tokens there.
    openings = [f" {word}" for word in one_token(tokenizer, map(str.strip, descriptions), '"""')]
    if len(words) < _LEAST or len(descriptions) < _LEAST or not openings:
        raise ValueError(
            f"the task 'docstring' needs {_LEAST} names of arguments that are one token, and this "
            f"tokenizer has {len(words)} of the {len(WORDS)} that are tried, and "
            f"{len(descriptions)} of {len(DESCRIPTIONS)} words to describe them"
        )
    generator = torch.Generator().manual_seed(seed)
    clean: list[Parts] = []
    corrupt: list[Parts] = []
    right: list[int] = []
    wrong: list[list[int]] = []
    for _ in range(n):
        name, a, b, c, d, *others = draw([*words], _LEAST, generator)
        about = draw(openings, 1, generator) + draw(descriptions, 6, generator)
        clean.append(_function(name, (a, b, c, d), (a, b), about))
        corrupt.append(_function(name, (a, b, others[2], d), (others[0], others[1]), about))
        right.append(words[c])
        wrong.append([words[word] for word in (a, b, d, others[2])])
    return written(cls, model, "docstring", metric, clean, corrupt, right, wrong)


def _function(
    name: str, declared: tuple[str, ...], described: tuple[str, str], about: list[str]
) -> Parts:
    a, b, c, d = declared
    doc_a, doc_b = described
    return [
        ("def", "def"),
        ("function", name),
        ("(self", "(self"),
        (",", ","),
        ("A def", a),
        (",", ","),
        ("B def", b),
        (",", ","),
        ("C def", c),
        (",", ","),
        ("D def", d),
        ("):", "):"),
        ("quotes", '\n    """'),
        ("summary", about[0].strip()),
        ("summary", about[1]),
        ("summary", about[2]),
        (":param A", "\n\n    :param"),
        ("A doc", doc_a),
        (":", ":"),
        ("A about", about[3]),
        ("A about", about[4]),
        (":param B", "\n    :param"),
        ("B doc", doc_b),
        (":", ":"),
        ("B about", about[5]),
        ("B about", about[6]),
        (":param C", "\n    :param"),
    ]
