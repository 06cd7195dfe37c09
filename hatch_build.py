"""Builds the views (js/) into circuit_widgets/static/ when a wheel or an sdist is made.

An unpacked sdist brings the bundles and needs no node. An editable install builds nothing: there
`make js` does, and importing a view that has not been built says so. With `CW_VIEWS_ARE_BUILT=1` in
the environment, what `make js` built is taken as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Views(BuildHookInterface):
    """The hook named in pyproject.toml."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before hatchling collects the files of a wheel or sdist."""
        root = Path(self.root)
        if self.target_name == "wheel" and version != "editable":
            # JupyterLab looks for extensions there.
            made = root / "circuit_widgets" / "static" / "labextension"
            build_data["shared_data"][str(made)] = "share/jupyter/labextensions/circuit-widgets"
        bundles = sorted((root / "circuit_widgets" / "static").glob("*.js"))
        from_sdist = (root / "PKG-INFO").exists() and bool(bundles)
        are_built = bool(bundles) and bool(os.environ.get("CW_VIEWS_ARE_BUILT"))
        if version == "editable" or from_sdist or are_built:
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(
                "npm is not on the PATH: building circuit_widgets from a checkout needs Node 20.19 "
                "or newer. A released wheel or sdist brings the built views and needs none."
            )
        js = root / "js"
        for command in ([npm, "ci", "--ignore-scripts", "--no-fund"], [npm, "run", "build"]):
            self.app.display_info(f"js: {' '.join(['npm', *command[1:]])}")
            subprocess.run(command, cwd=js, check=True)
