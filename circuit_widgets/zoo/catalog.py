"""What is in the zoo and how to get it: names, seeds, checkpoints, curves.

Layout of a model's folder (`data/<name>/`), written by `python -m circuit_widgets.zoo.train`:

    tokenizer/            a saved PreTrainedTokenizerFast
    seed0.safetensors     every checkpoint of seed 0 in fp16, by step (see `checkpoints`)
    seed0.json            the command, the configuration, the versions, the checkpoint steps
    seed0.csv             the curve: step, loss_first, loss_second, prefix_matching, previous_token
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from transformer_lens.model_bridge import TransformerBridge

DEFAULT = "toy-induction"
DATA = Path(__file__).parent / "data"


def names() -> list[str]:
    """The models of the zoo."""
    return sorted(folder.name for folder in DATA.iterdir() if any(folder.glob("seed*.json")))


def seeds(name: str = DEFAULT) -> list[int]:
    """The seeds a model was trained with."""
    return sorted(int(path.stem.removeprefix("seed")) for path in _folder(name).glob("seed*.json"))


def steps(name: str = DEFAULT, seed: int = 0) -> list[int]:
    """The training steps that have a checkpoint, ascending; the first is 0: before any training."""
    return list(_record(_path(name, seed, ".json"))["steps"])


def words() -> tuple[str, ...]:
    """The words that the toy models know, in the order of their ids; `model.words` has them too.

    >>> "dog" in words(), len(words())
    (True, 253)
    """
    from .words import WORDS

    return WORDS


def curve(name: str = DEFAULT, seed: int = 0) -> pd.DataFrame:
    """How the training went, measured on held-out repeated sequences (see `evaluate.measure`).

    Columns: step, loss_first and loss_second (nats, on the first and the second copy),
    prefix_matching (best head of layer 1), previous_token (best head of layer 0).
    """
    import pandas as pd

    return pd.read_csv(_path(name, seed, ".csv"))


def load(
    name: str = DEFAULT,
    *,
    step: int | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
) -> TransformerBridge:
    """A model of the zoo at a checkpoint: in eval mode, float32, with its tokenizer.

    Args:
        name: one of `names()`.
        step: one of `steps(name, seed)`; None is the last one, the trained model.
        seed: one of `seeds(name)`.
        device: where the model goes; None is the CPU.
    """
    record = _record(_path(name, seed, ".json"))
    available: list[int] = record["steps"]
    if step is None:
        step = available[-1]
    elif step not in available:
        raise ValueError(
            f"{name!r} seed {seed} has no checkpoint at step {step}; steps() lists {available}"
        )

    # Heavy imports only now, so that names(), steps() and curve() answer at once.
    from .checkpoints import read
    from .tokenizer import load_tokenizer
    from .toy import build

    tokenizer = load_tokenizer(_folder(name) / "tokenizer")
    model = build(record["config"], tokenizer=tokenizer, device=device)
    read(_path(name, seed, ".safetensors"), step, model)
    # What a user can write: any other word would become the unknown token.
    model.words = words()  # pyright: ignore[reportAttributeAccessIssue]
    model.eval()
    return model


def _folder(name: str) -> Path:
    if name not in names():
        raise ValueError(f"the zoo has no model {name!r}; names() lists {names()}")
    return DATA / name


def _path(name: str, seed: int, suffix: str) -> Path:
    if seed not in seeds(name):
        raise ValueError(
            f"{name!r} was not trained with seed {seed!r}; seeds() lists {seeds(name)}"
        )
    return _folder(name) / f"seed{seed}{suffix}"


@lru_cache(maxsize=32)
def _record(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
