"""How the documentation site is built: `make docs`. No page fetches anything."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "extensions"), str(ROOT)]

from circuit_widgets.models import _smollm2  # noqa: E402

project = "circuit_widgets"
author = "the circuit_widgets authors"
copyright = f"2026, {author}"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "docstrings",
    "mathml",
    "views",
]
exclude_patterns = ["_build", "extensions"]
# Chapters are the notebooks; what a page of this folder calls them is `notebooks/`.
chapters = HERE / "notebooks"
chapters.mkdir(exist_ok=True)
for notebook in chapters.glob("*.ipynb"):
    if not (ROOT / "notebooks" / notebook.name).exists():
        notebook.unlink()
for notebook in (ROOT / "notebooks").glob("*.ipynb"):
    copy = chapters / notebook.name
    # In the checkout this folder is beside the notebooks; in the site it is above them.
    text = notebook.read_text(encoding="utf-8").replace("](../docs/", "](../")
    # Only what has changed: a chapter is run again when its file is newer.
    if not copy.exists() or copy.read_text(encoding="utf-8") != text:
        copy.write_text(text, encoding="utf-8")

# --- text ---
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# In docstrings, `name` is a link where there is such a name, and code where there is none.
default_role = "py:obj"
html_math_renderer = "mathml"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
python_maximum_signature_line_length = 80
add_module_names = False
suppress_warnings = ["mystnb.unknown_mime_type", "misc.highlighting_failure"]

# --- notebooks: run at the build, one time for each change of one ---
nb_execution_mode = "cache"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
# No widget of ipywidgets is on a page, and these would come from elsewhere.
nb_ipywidgets_js = {}
nb_output_stderr = "remove"
nb_mime_priority_overrides = [("html", "text/html", 0)]
if not _smollm2.folder().is_dir():
    # Its page has no outputs then; its text says what to do.
    nb_execution_excludepatterns = ["*/10_real_model.ipynb"]
# Results show themselves as pages that need no kernel; all share one script (see `views`).
os.environ["CIRCUIT_WIDGETS_STATIC"] = "../_static/circuit_widgets.js"
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))

# --- pages ---
html_theme = "furo"
html_title = "circuit_widgets"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
