"""Every causal decoder of TransformerLens that transformers builds tiny from a config, by analysis:
exact (equal to a recomputation on transformers' own model with plain hooks), or refused, and why.
"""

from __future__ import annotations

import multiprocessing
import re
import warnings
from pathlib import Path

import torch

from benchmarks.measure import table
from circuit_widgets.models import check_model
from tests import decoders, tiny
from tests.exactness import verdict
from tests.plain import Plain

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "decoders.md"
README = ROOT / "README.md"
# A process a decoder: some want much memory, or never end.
_SECONDS = 120
COLUMNS = {
    "reading": "Explorer: attention and scores of a text",
    "induction": "`identify_induction_heads`",
    "weights": "Copying and composition",
    "ablation": "Ablation, resumed runs",
    "knockout": "Attention knockout",
    "patterns": "`detect_attention_patterns`",
    "coordination": "Contributions of heads",
    "influence": "`compute_self_influence`",
    "flow": "Information-flow routes",
    "attribution": "`attribute_logits`",
}
HEAD = """# Which decoders are read, and how exactly

`.venv/bin/python -m benchmarks.run decoders` writes this page. Each model is built by transformers
from its config with two layers, four heads and random weights, and read twice: by this package, and
by transformers' own model with plain PyTorch hooks (`tests/plain.py`, `tests/exactness.py`). ✓: the
two agree to 2e-4 of the largest value. A number names the reason, below the table, for which an
analysis is refused; nothing is computed then.

Norms are no linear maps, and gates neither: what a part adds is meant with their scale held as it
was in the run, and weights that have a norm between them are compared up to the scale of each
position. In latent attention (DeepSeek, GLM 4 MoE Lite, GLM MoE DSA, Youtu) Q- and K-composition
are of what queries and keys read without the numbers that are theirs for rotary positions alone.

"""


def run() -> str:
    """Check all decoders and write the page and the README's line; a summary."""
    found = {name: _apart(kind) for name, kind in decoders.names().items()}
    PAGE.write_text(HEAD + page(found), encoding="utf-8")
    said = summary(found)
    text = README.read_text(encoding="utf-8")
    marked = f"<!-- decoders -->\n{said}\n<!-- /decoders -->"
    text = re.sub(r"<!-- decoders -->.*<!-- /decoders -->", lambda _: marked, text, flags=re.S)
    README.write_text(text, encoding="utf-8")
    return said + "\n"


Answer = dict[str, str]


def page(found: dict[str, Answer]) -> str:
    """The table, its reasons, and the models that are refused whole."""
    reasons: list[str] = []
    rows = []
    for name, answer in found.items():
        if "model" in answer:
            continue
        marks = [_mark(answer[column], reasons) for column in COLUMNS]
        rows.append([name, *marks])
    listed = "\n".join(f"{at}. {reason}" for at, reason in enumerate(reasons, 1))
    whole = "\n".join(
        f"- {name}: it {answer['model']}" for name, answer in found.items() if "model" in answer
    )
    return (
        f"{table(['', *COLUMNS.values()], rows)}\n{listed}\n\n"
        "Not applicable, refused when the model is given to any function (a model with attention "
        "in some layers only may have none in the two that are built here):\n\n"
        f"{whole}\n"
    )


def _mark(verdict: str, reasons: list[str]) -> str:
    if verdict == "exact":
        return "✓"
    reason = verdict.removeprefix("refused: ")
    if reason not in reasons:
        reasons.append(reason)
    return f"({reasons.index(reason) + 1})"


def summary(found: dict[str, Answer]) -> str:
    """How many are exact, and which are not."""
    read = {name: answer for name, answer in found.items() if "model" not in answer}
    all_exact = [name for name, answer in read.items() if set(answer.values()) == {"exact"}]
    wrong = [
        name
        for name, answer in read.items()
        if not all(said == "exact" or said.startswith("refused") for said in answer.values())
    ]
    cells = [said for answer in read.values() for said in answer.values()]
    refused = sum(said.startswith("refused") for said in cells)
    lines = [
        f"Of {len(found)} decoder architectures, {len(read)} have causal self-attention in every",
        f"layer. In {len(all_exact)} of these every analysis equals a recomputation with plain",
        f"hooks on transformers' own model; in the others {refused} of all {len(cells)} analyses",
        f"are refused, with the reason, and {', '.join(wrong) if wrong else 'none'} is wrong.",
    ]
    return "\n".join(lines)


def _apart(kind: str) -> Answer:
    """What `check` finds, in a process that has imported everything already."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=lambda: there.send(check(kind)))
    process.start()
    try:
        if here.poll(_SECONDS):
            return here.recv()
    except EOFError:
        pass
    finally:
        process.kill()
        process.join()
    return dict.fromkeys(COLUMNS, f"wrong: no answer within {_SECONDS} s")


def check(kind: str) -> Answer:
    """What each analysis comes to on one decoder; or, as "model", why it is refused whole."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    model = tiny.wrap(decoders.build(kind))
    try:
        check_model(model)
    except ValueError as error:
        return {"model": str(error).split(";")[0].removeprefix("tiny ")}
    plain = Plain(decoders.build(kind))
    return {name: verdict(name, model, plain) for name in COLUMNS}
