"""A task: what a circuit is a circuit for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.prompts.tasks import scores
from circuit_widgets.prompts.tasks.checks import check
from circuit_widgets.prompts.tasks.docstring import docstring
from circuit_widgets.prompts.tasks.greater_than import greater_than
from circuit_widgets.prompts.tasks.ioi import ioi
from circuit_widgets.prompts.tasks.pairs import from_frame, from_pairs, to_frame
from circuit_widgets.prompts.tasks.repeated import repeated_tokens
from circuit_widgets.prompts.tasks.settings import TaskSettings, from_settings, settings_of


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Task:
    """Clean and corrupt prompts, aligned token by token, and what is measured on them.

    A clean prompt asks for something that the model can do; its corrupt partner has the same
    tokens but those that the answer depends on. What a circuit does for a task is what its
    activations carry from one to the other (activation patching: Vig et al. 2020, Meng et al.
    2022; methods compared by Zhang & Nanda 2024).

    Built in: `Task.repeated_tokens` (any model), `Task.ioi`, `Task.greater_than`,
    `Task.docstring`; your own: `Task.from_pairs`, `Task.from_frame`. Whether a model does a task at
    all says `check_task`.

    Attributes:
        name: What it is called.
        clean: Ids, on the model's device, with a BOS where the model wants one.
        corrupt: Ids of the same shape.
        position: After which token the answer is read, in each prompt, or at several places of it.
        right: Ids of the right answers: one for each position, or, along one more dimension,
            several of which any is right, with -1 where a prompt has fewer.
        wrong: What they are held against, in the same form; None: against all tokens.
        metric: "logit_difference", "probability_difference", "kl" or "loss": see `score`.
        roles: A name for each position, where positions mean the same in all prompts; else None.

    Raises:
        TypeError: What should be ids is not.
        ValueError: No prompts, shapes that do not fit, a corrupt prompt that equals its clean one,
            a position that is not there, answers that are missing or both right and wrong.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=4, length=5)
    >>> task
    Task('repeated_tokens', 4 prompts of 11 tokens, metric 'loss')
    >>> logits = model(task.clean)
    >>> bool((task.score(logits) > task.score(model(task.corrupt))).all())
    True
    """

    name: str
    clean: Int[Tensor, "prompt seq"]
    corrupt: Int[Tensor, "prompt seq"]
    position: Int[Tensor, prompt * place]
    right: Int[Tensor, prompt * place_answer]
    wrong: Int[Tensor, prompt * place_answer] | None = None
    metric: str = "logit_difference"
    roles: tuple[str, ...] | None = None

    repeated_tokens = classmethod(repeated_tokens)
    ioi = classmethod(ioi)
    greater_than = classmethod(greater_than)
    docstring = classmethod(docstring)
    from_pairs = classmethod(from_pairs)
    from_frame = classmethod(from_frame)
    from_settings = classmethod(from_settings)
    to_frame = to_frame

    def __post_init__(self) -> None:
        check(self)

    def __len__(self) -> int:
        return len(self.clean)

    def __repr__(self) -> str:
        n, length = self.clean.shape
        prompts = f"{n} prompt{'' if n == 1 else 's'} of {length} tokens"
        return f"Task({self.name!r}, {prompts}, metric {self.metric!r})"

    def described(self) -> str:
        """Its name and prompts, as the probe of a result."""
        return f"{self.name}, {len(self)} prompts of {self.clean.shape[1]} tokens"

    @property
    def places(self) -> Int[Tensor, "prompt place"]:
        """The positions that are read, with a dimension for places even if there is one."""
        return self.position.view(len(self), -1)

    def answers(
        self, ids: Int[Tensor, prompt * place_answer]
    ) -> Int[Tensor, "prompt place answer"]:
        """Right or wrong answers, with a dimension for places and one for answers."""
        return ids.view(*self.places.shape, -1)

    def score(
        self,
        logits: Float[Tensor, "prompt seq vocab"],
        *,
        clean_logits: Float[Tensor, "prompt seq vocab"] | None = None,
    ) -> Float[Tensor, " prompt"]:
        """How well each prompt is done: higher is better, whatever the metric; gradients flow.

        "logit_difference": mean logit of the right answers minus mean logit of the wrong ones
        (Wang et al. 2022). "probability_difference": probability of all right answers together
        minus that of all wrong ones (Hanna et al. 2023). "loss": *minus* the cross-entropy, that is
        the log probability of the right answers together, in nats. "kl": *minus*
        KL(clean run || this run) of the next token, in nats; 0 is the most. All are means over the
        places of a prompt.

        Args:
            logits: Of all of this task's prompts; `batch` makes a task of some of them.
            clean_logits: The clean run's, which "kl" compares with.

        Raises:
            ValueError: Logits of other prompts; "kl" without the clean run's logits.

        >>> import circuit_widgets as cw
        >>> model = cw.load_model()
        >>> task = cw.Task.from_pairs(model, "blue dog blue", "red dog blue", "dog", "cat")
        >>> logits = model(task.clean)
        >>> difference = logits[0, -1, task.right] - logits[0, -1, task.wrong]
        >>> bool(torch.allclose(task.score(logits), difference))
        True
        """
        clean = None if clean_logits is None else self.read(clean_logits)
        return self.score_read(self.read(logits), clean)

    def score_read(
        self,
        read: Float[Tensor, "prompt place vocab"],
        clean: Float[Tensor, "prompt place vocab"] | None = None,
    ) -> Float[Tensor, " prompt"]:
        """`score`, of logits at `places` only, as `read` takes them from a run's."""
        wrong = None if self.wrong is None else self.answers(self.wrong)
        read = read if read.dtype == torch.float64 else read.float()
        return scores.score(self.metric, read, self.answers(self.right), wrong, clean)

    def correct(self, logits: Float[Tensor, "prompt seq vocab"]) -> Float[Tensor, " prompt"]:
        """At how many of a prompt's places, as a share, the right answer wins.

        It is likelier than every wrong one; without wrong ones, than every other token.
        """
        return self.correct_read(self.read(logits))

    def correct_read(self, read: Float[Tensor, "prompt place vocab"]) -> Float[Tensor, " prompt"]:
        """`correct`, of logits at `places` only."""
        wrong = None if self.wrong is None else self.answers(self.wrong)
        return scores.correct(read, self.answers(self.right), wrong).float().mean(-1)

    def likeliest(self, logits: Float[Tensor, "prompt seq vocab"]) -> Float[Tensor, " prompt"]:
        """At how many of a prompt's places, as a share, a right answer is the likeliest token."""
        return scores.correct(self.read(logits), self.answers(self.right), None).float().mean(-1)

    def chance(self, n_vocab: int, *, among_all: bool = False) -> float:
        """What `correct` is for a model that guesses: among the answers, or all tokens.

        among_all: what `likeliest` is for one.
        """
        wrong = None if self.wrong is None or among_all else self.answers(self.wrong)
        return scores.chance(self.answers(self.right), wrong, n_vocab)

    def read(
        self, logits: Float[Tensor, "prompt seq vocab"]
    ) -> Float[Tensor, "prompt place vocab"]:
        """The logits at the places where answers are read, in float32 at least."""
        if logits.ndim != 3 or logits.shape[:2] != self.clean.shape:
            n, length = self.clean.shape
            raise ValueError(
                f"logits have shape {list(logits.shape)}; accepted are those of this task's "
                f"prompts, [{n}, {length}, vocab]"
            )
        return scores.read_at(logits, self.places)

    def batch(self, rows: slice | Int[Tensor, " row"] | list[int]) -> Task:
        """The task of some of its prompts, in that order; a row may come several times.

        >>> import circuit_widgets as cw
        >>> task = cw.Task.repeated_tokens(cw.load_model(), n=4, length=5)
        >>> len(task.batch(slice(0, 3))), len(task.batch([1, 1]))
        (3, 2)
        """
        at = rows if isinstance(rows, slice) else torch.as_tensor(rows, device=self.clean.device)
        return dataclasses.replace(
            self,
            clean=self.clean[at],
            corrupt=self.corrupt[at],
            position=self.position[at],
            right=self.right[at],
            wrong=None if self.wrong is None else self.wrong[at],
        )

    def halves(self, seed: int = 0) -> tuple[Task, Task]:
        """Two tasks with no prompt in common: to find something on one, and test it on the other.

        Of an odd number the first has one more.

        Raises:
            ValueError: There is one prompt only.

        >>> import circuit_widgets as cw
        >>> task = cw.Task.repeated_tokens(cw.load_model(), n=5, length=5)
        >>> [len(half) for half in task.halves(seed=0)]
        [3, 2]
        """
        if len(self) < 2:
            raise ValueError(f"{self!r} has one prompt; accepted are 2 or more to take halves of")
        generator = torch.Generator().manual_seed(arguments.seed(seed))
        order = torch.randperm(len(self), generator=generator)
        middle = (len(self) + 1) // 2
        return self.batch(order[:middle]), self.batch(order[middle:])

    def named(self, roles: Sequence[str] | None) -> Task:
        """The same task with a name for each position, or with none."""
        return dataclasses.replace(self, roles=None if roles is None else tuple(roles))

    @property
    def settings(self) -> TaskSettings:
        """The task as plain values, for a result's provenance; `from_settings` makes it again.

        >>> import circuit_widgets as cw
        >>> model = cw.load_model()
        >>> task = cw.Task.repeated_tokens(model, n=4, length=5)
        >>> cw.Task.from_settings(model, task.settings).settings == task.settings
        True
        """
        return settings_of(self)


def check_is_task(task: Any) -> None:
    """Return if it is a task.

    Raises:
        TypeError: It is something else.

    >>> check_is_task("ioi")
    Traceback (most recent call last):
    TypeError: the task is 'ioi'; accepted is a Task, such as Task.ioi(model)
    """
    if not isinstance(task, Task):
        raise TypeError(
            f"the task is {arguments.shown(task)}; accepted is a Task, such as Task.ioi(model)"
        )
