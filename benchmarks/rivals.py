"""Beside other packages that look for circuits, each in an environment of its own.

SmolLM2-135M and its prompts of indirect objects, the same ids on both sides: 8 to score nodes or
edges, 8 others to run circuits on. Each side is a process of its own that has loaded the model when
the clock starts; memory is what its resident memory grew by at most. "Apart" is the largest
difference of two scores, beside the largest score. CMD (0 is best) and accuracy over the logarithm
of size are of circuits of ten sizes made of each side's scores, run by our engine on the 8 others;
of so few prompts they are rough. Gates are trained on the likelihood of the right answer, for 30
updates a stage (500 are the default); MLPs have none and count as the strongest.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy
import torch
from torch import Tensor

from benchmarks.measure import size, table
from circuit_widgets.analysis.circuits.curve import areas, log_area
from circuit_widgets.causal.choosing import sizes_of
from circuit_widgets.causal.edge_scores import between
from circuit_widgets.causal.nodes import Nodes, nodes_of
from circuit_widgets.causal.task_runs import TaskRuns
from circuit_widgets.models import load_model
from circuit_widgets.models._cache import cache_folder
from circuit_widgets.models._smollm2 import folder
from circuit_widgets.prompts.tasks import Task

N = 16
PATIENCE = 600
ROOT = Path(__file__).parents[1]
# Where the environments are, once made: minutes and a gigabyte each.
ENVIRONMENTS = Path(os.environ.get("CW_RIVALS", cache_folder() / "rivals"))
BESIDE = ("torch==2.13.0", "psutil")


@dataclasses.dataclass(frozen=True)
class Rival:
    """A package, the script that runs it, and which of our methods it is held against."""

    script: str
    needs: tuple[str, ...]
    doing: str
    method: str
    ours: str

    @property
    def name(self) -> str:
        return self.needs[0].replace("==", " ")


RIVALS = (
    Rival(
        "fdr", ("transformerlens-fdr==0.1.0",), "patching of 300 nodes, signs flipped", "", "nodes"
    ),
    Rival(
        "gating", ("nam-causal-head-gating==0.1.0",), "gates of 270 heads, 90 updates", "", "nodes"
    ),
    # It was written for TransformerLens 1 and 2, which want a NumPy that newer pyarrow refuses.
    Rival(
        "auto",
        ("auto-circuit==1.0.1", "transformer-lens<3", "pyarrow<22"),
        "EAP of all edges",
        "",
        "eap",
    ),
    Rival("kit", ("circuitkit==0.2.0",), "EAP of all edges", "EAP", "eap"),
)


def run() -> str:
    """The section of the report."""
    model = load_model("smollm2")
    nodes = nodes_of(model)
    found, tested = Task.ioi(model, n=N).halves(0)
    runs = TaskRuns(model, nodes, tested, "resample", len(tested))
    with tempfile.TemporaryDirectory() as temporary:
        at = Path(temporary)
        sides = ("clean", "corrupt", "right", "wrong")
        numpy.savez(
            at / "prompts.npz", **{name: getattr(found, name).cpu().numpy() for name in sides}
        )
        ours = {
            method: _answer(sys.executable, "ours", method, at)
            for method in ("nodes", "eap", "mean")
        }
        rows = [_own(said, ours[method], nodes, runs) for method, said in OWN.items()]
        for rival in RIVALS:
            rows.append(_row(rival, at, ours[rival.ours], nodes, runs))
            print(rows[-1], flush=True)
    header = ["", "doing", "time", "memory", "apart from ours", "CMD", "accuracy over log size"]
    return table(header, rows)


OWN = {
    "nodes": "patching of 301 nodes, signs flipped",
    "eap": "EAP of all edges",
    "mean": "mean of EAP and both EAP-IGs, 5 steps",
}


def _own(doing: str, answer: Mapping[str, Tensor], nodes: Nodes, runs: TaskRuns) -> list[str]:
    return ["ours", doing, *_cost(answer), "", *_circuits(_edges(answer, nodes), nodes, runs)]


def _row(
    rival: Rival, at: Path, ours: Mapping[str, Tensor], nodes: Nodes, runs: TaskRuns
) -> list[str]:
    """What a rival did, or why it did not."""
    try:
        theirs = _answer(_environment(rival), rival.script, rival.method, at)
    except RuntimeError as error:
        return [rival.name, rival.doing, f"not run: {error}", "", "", "", ""]
    edges = _edges(theirs, nodes)
    apart = _apart(theirs, edges, ours)
    return [rival.name, rival.doing, *_cost(theirs), apart, *_circuits(edges, nodes, runs)]


def _environment(rival: Rival) -> str:
    """The Python of a rival's environment, made if it is not there.

    Raises:
        RuntimeError: It cannot be installed.
    """
    place = ENVIRONMENTS / rival.script
    python, done = place / "bin" / "python", place / "installed.txt"
    needs = [*rival.needs, *BESIDE]
    if not done.is_file() or done.read_text(encoding="utf-8").split() != needs:
        _call([sys.executable, "-m", "venv", "--clear", str(place)])
        _call([str(python), "-m", "pip", "install", "--quiet", *needs])
        done.write_text("\n".join(needs), encoding="utf-8")
    return str(python)


def _answer(python: str, script: str, method: str, at: Path) -> dict[str, Tensor]:
    """What a side's script found, with "seconds" and "bytes".

    Raises:
        RuntimeError: It failed.
    """
    out = at / f"{script}{method}.npz"
    given = [str(folder()), str(at / "prompts.npz"), str(out), method]
    _call([python, "-m", f"benchmarks.rival.{script}", *given])
    with numpy.load(out) as kept:
        found = {name: torch.from_numpy(kept[name]) for name in kept.files}
    told = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    return found | {name: torch.tensor(value) for name, value in told.items()}


def _call(command: list[str]) -> None:
    paths = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=paths, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not done after {PATIENCE} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RuntimeError(last[:150].replace("|", "/"))


def _edges(answer: Mapping[str, Tensor], nodes: Nodes) -> Tensor:
    """Scores of our edges, of whatever a side scores."""
    if "ungrouped" in answer:
        return _grouped(answer["ungrouped"], nodes)
    if "edges" in answer:
        return answer["edges"]
    scores = torch.zeros(len(nodes.sources))
    if "gates" in answer:
        heads = torch.tensor([source.head is not None for source in nodes.sources])
        # Logits of gates: only their order counts, and none may be stronger for being negative.
        gates = answer["gates"].flatten()
        scores[heads] = gates - gates.min() + 1
        scores[~heads] = scores.max() + 1
    else:
        scores[-len(answer["nodes"]) :] = answer["nodes"]
    return between(scores[None], nodes)[0]


def _grouped(ungrouped: Tensor, nodes: Nodes) -> Tensor:
    """Of heads that share keys and values, what each one's own copy does adds up."""
    at: list[int] = []
    for layer, n_heads in enumerate(nodes.heads):
        for entry in ("q", "k", "v"):
            first = nodes.targets_of(layer, entry)
            share = n_heads // (first.stop - first.start)
            at += [first.start + head // share for head in range(n_heads)]
        at.append(nodes.targets_of(layer, "mlp").start)
    at.append(len(nodes.targets) - 1)
    scores = torch.zeros(len(nodes.sources), len(nodes.targets))
    return scores.index_add(1, torch.tensor(at), ungrouped).where(nodes.allowed, torch.nan)


def _apart(theirs: Mapping[str, Tensor], edges: Tensor, ours: Mapping[str, Tensor]) -> str:
    if "gates" in theirs:
        return ""
    one = theirs.get("nodes", edges)
    # Ours has one node more, the embedding.
    other = ours["nodes"][-len(one) :] if "nodes" in theirs else ours["edges"]
    most = float((one - other).abs().nan_to_num().max())
    return f"{most:.0e} of {float(other.nan_to_num().abs().max()):.2f}"


def _circuits(strength: Tensor, nodes: Nodes, runs: TaskRuns) -> list[str]:
    """CMD and accuracy over log size, of circuits of ten sizes."""
    kept, _ = sizes_of(strength.abs(), nodes, None)
    ran = [runs.along(edges) for edges in kept]
    shares = kept.flatten(1).sum(1) / nodes.allowed.sum()
    lost = (runs.clean - runs.corrupt).mean()
    faithful = torch.stack([(scores - runs.corrupt).mean() / lost for scores, _ in ran])
    right = torch.stack([each.mean() for _, each in ran])
    return [f"{areas(shares, faithful)[1]:.3f}", f"{log_area(shares, right):.2f}"]


def _cost(answer: Mapping[str, Tensor]) -> tuple[str, str]:
    return f"{float(answer['seconds']):.1f} s", size(float(answer["bytes"]))


if __name__ == "__main__":
    print(run())
