"""Measure everything and write it down: `make bench`.

python -m benchmarks.run [section ...]     only these; the others stay as they are
"""

from __future__ import annotations

import datetime
import importlib
import os
import platform
import re
import sys
from pathlib import Path

from circuit_widgets.results.provenance import versions

RESULTS = Path(__file__).parent / "RESULTS.md"
SECTIONS = {
    "first_paint": "First paint and bytes, beside CircuitsVis and BertViz",
    "export": "Pages without a kernel",
    "clicks": "Click to paint in JupyterLab",
    "scrubbing": "Dragging a slider through the checkpoints of a training",
    "latency": "A reply over a slower line",
    "large": "A large model on a long text",
    "analyzers": "Analyses beside the plain forward pass",
    "topics": "Induction, patterns, coordination, influence, beside what there was",
    "influence": "Influence of tokens, exact and by a few draws",
    "attribution": "Shares of a logit, and ablation of heads",
    "edges": "Patching, and edges to first order, beside TransformerLens",
    "memory": "Memory of scoring edges, by length and layers",
    "circuits": "Circuits whose edges are known",
    "faithfulness": "How faithful circuits of SmolLM2 are, by size",
    "rivals": "Beside other packages that look for circuits",
    "failures": "Faults that are planted, found and named",
    "pruning": "Heads of SmolLM2 pruned without training",
    "decoders": "Decoder architectures, by analysis",
    "sizes": "What is shipped and what is saved",
}
HEAD = """# Measured

`make bench` (python -m benchmarks.run) writes this file; each section says what it measures in the
file of its name in this folder. Everything in one table was measured in one run on one machine,
rivals and ourselves by turns.

"""


def machine() -> str:
    """Where and with what."""
    made = ", ".join(f"{name} {version}" for name, version in versions().items())
    where = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    return f"{datetime.date.today().isoformat()}, {where}, {made}"


def main(wanted: list[str]) -> int:
    """Run the sections; the exit status."""
    unknown = [name for name in wanted if name not in SECTIONS]
    if unknown:
        print(f"there is no section {unknown[0]!r}; sections are {', '.join(SECTIONS)}")
        return 2
    found = _sections()
    for name in wanted or SECTIONS:
        print(f"bench: {name}", flush=True)
        module = importlib.import_module(f"benchmarks.{name}")
        about = (module.__doc__ or "").strip()
        found[name] = f"## {SECTIONS[name]}\n\n{about}\n\n{machine()}.\n\n{module.run()}"
        print(found[name], flush=True)
        text = HEAD + "\n".join(found[name] for name in SECTIONS if name in found)
        RESULTS.write_text(text, encoding="utf-8")
    return 0


def _sections() -> dict[str, str]:
    """What is in the file already."""
    if not RESULTS.exists():
        return {}
    parts = re.split(r"^(?=## )", RESULTS.read_text(encoding="utf-8"), flags=re.M)[1:]
    titles = {f"## {title}": name for name, title in SECTIONS.items()}
    return {titles[part.split("\n")[0]]: part.rstrip("\n") + "\n" for part in parts}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
