"""VS Code without a network takes the script of anywidget from the kernel's own Python.

Its Jupyter extension asks the CDNs that its settings allow, and then looks among the files of the
kernel's Python: in each `share/jupyter/nbextensions/*/extension.js` it seeks one of a few spellings
of a call and takes the names in it; nothing is run. As microsoft/vscode-jupyter has it, in
src/notebooks/controllers/ipywidgets/scriptSourceProvider/baseIPyWidgetScriptManager.ts.
"""

from __future__ import annotations

import re
from importlib.metadata import files
from pathlib import Path

SPELLINGS = (
    *("require.config({", "requirejs?.config({", "window.requirejs?.config({"),
    *("requirejs.config({", '["require"].config({', "['require'].config({"),
    *('["requirejs"].config({', "['requirejs'].config({", '["require"]["config"]({'),
    *("['require']['config']({", '["requirejs"]["config"]({', "['requirejs']['config']({"),
)


def found_by_vscode(text: str) -> dict[str, str]:
    """Modules and their scripts in an `extension.js`; {} where VS Code sees none."""
    starts = [at for spelling in reversed(SPELLINGS) if (at := text.find(spelling)) > 0]
    if not starts or (end := text.find(")", starts[0])) <= 0:
        return {}
    config = text[text.index("{", starts[0]) : end]
    lines = re.sub(r"/\*.*?\*/|//[^\n]*", "", config, flags=re.DOTALL).splitlines()
    last = "".join(line.strip() for line in lines).split("{")[-1].split("}")[0]
    pairs = [entry.split(":", 1) for entry in last.split(",") if ":" in entry]
    return {name.strip(" '\""): script.strip(" '\"") for name, script in pairs}


def test_the_script_of_anywidget_is_found_among_the_kernels_files() -> None:
    installed = {str(file): Path(str(file.locate())) for file in files("anywidget") or []}
    ending = "share/jupyter/nbextensions/anywidget/extension.js"
    [extension] = [at for name, at in installed.items() if name.endswith(ending)]
    scripts = found_by_vscode(extension.read_text(encoding="utf-8"))
    assert scripts == {"anywidget": "nbextensions/anywidget/index"}
    # An AMD module, as require.js loads it, that asks for nothing but what VS Code brings along.
    index = (extension.parent / "index.js").read_text(encoding="utf-8")
    assert 'define(["@jupyter-widgets/base"]' in index


def test_an_extension_that_names_no_script_gives_none() -> None:
    assert found_by_vscode("define(function () { return {}; });") == {}
    assert found_by_vscode("\nwindow.requirejs.setup({ map: { a: 'b' } });") == {}
