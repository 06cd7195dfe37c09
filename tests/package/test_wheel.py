"""What is in the wheel and in the sdist, and that the wheel works where nothing else of ours is.

The packages that it needs are this environment's, by a path file: that their list is complete is
`test_requirements`. Nothing is built with Node: the views are those that `make js` built.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from tests import rooms

STATIC = rooms.ROOT / "circuit_widgets" / "static"
# The toys' checkpoints are most of it.
MOST = 9_000_000
LAB = "share/jupyter/labextensions/circuit-widgets/"


def built(builder: type, root: Path, to: Path) -> Path:
    return Path(next(builder(str(root)).build(directory=str(to), versions=["standard"])))


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("dist")


@pytest.fixture(scope="module")
def _views_are_built() -> None:
    assert any(STATIC.glob("*.js")), "build the views first: make js"


@pytest.fixture(scope="module")
def wheel(dist, _views_are_built) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CW_VIEWS_ARE_BUILT", "1")
        return built(WheelBuilder, rooms.ROOT, dist)


@pytest.fixture(scope="module")
def sdist(dist, _views_are_built) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CW_VIEWS_ARE_BUILT", "1")
        return built(SdistBuilder, rooms.ROOT, dist)


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as file:
        return {name for name in file.namelist() if ".dist-info/" not in name}


def tracked() -> set[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "circuit_widgets"]
    listed = subprocess.run(command, cwd=rooms.ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no checkout")
    return {name for name in listed.stdout.splitlines() if (rooms.ROOT / name).exists()}


def test_the_wheel_has_the_package_and_the_views_and_no_more(wheel) -> None:
    views = {f"circuit_widgets/static/{path.name}" for path in STATIC.glob("*.js")}
    assert views >= {f"circuit_widgets/static/{name}.js" for name in rooms.widgets()}
    found = names(wheel)
    data = {name for name in found if ".data/" in name}
    assert found - data == tracked() | views
    extension = {name.split(LAB)[1] for name in data if LAB in name}
    scripts = {name for name in extension if re.fullmatch(r"static/remoteEntry\.\w+\.js", name)}
    assert len(scripts) == 1 and extension == scripts | {"package.json", "install.json"}
    assert "circuit_widgets/py.typed" in found
    assert wheel.stat().st_size < MOST


def test_the_wheel_says_what_it_is(wheel) -> None:
    with zipfile.ZipFile(wheel) as file:
        info = {name.split("/", 1)[1]: name for name in file.namelist() if ".dist-info/" in name}
        told = file.read(info["METADATA"]).decode()
    assert "licenses/LICENSE" in info
    for line in ("License-Expression: MIT", "Requires-Python: <3.14,>=3.10"):
        assert line in told
    for extra in ("dask", "gguf", "lab", "testing"):
        assert f"Provides-Extra: {extra}\n" in told
    assert "# circuit_widgets" in told


def test_the_sdist_makes_the_same_wheel_without_node(sdist, wheel, tmp_path, monkeypatch) -> None:
    with tarfile.open(sdist) as file:
        inside = {name.split("/", 1)[1] for name in file.getnames() if "/" in name}
        file.extractall(tmp_path, filter="data")
    for name in ("LICENSE", "CHANGELOG.md", "CITATION.cff", "js/build.mjs", "tests/rooms.py"):
        assert name in inside
    assert not [name for name in inside if "node_modules" in name or "_shots" in name]
    assert sdist.stat().st_size < MOST + 2_000_000
    monkeypatch.setenv("PATH", "")
    (unpacked,) = tmp_path.iterdir()
    again = built(WheelBuilder, unpacked, tmp_path)
    assert names(again) == names(wheel)


@pytest.fixture(scope="module")
def alone(wheel, tmp_path_factory) -> Callable[[str], str]:
    """Run code where the wheel is installed, from an empty folder and without any program."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder / "venv", with_pip=False, symlinks=os.name != "nt")
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    install = ["install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, *install], check=True, cwd=folder)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # A path file of a path file is not read: our own editable install is not seen.
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"])
    home = folder / "home"
    home.mkdir()

    def run(code: str) -> str:
        environment = {"PATH": "", "HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [str(python), "-c", code], cwd=home, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_wheel_works_alone(alone) -> None:
    code = """
import circuit_widgets as cw
from pathlib import Path
print(Path(cw.__file__).parents[4].name)
model = cw.load_model()
explorer = cw.explore(model, "blue dog seven blue dog", probe=False)
flow = cw.trace_information_flow(model, "blue dog seven blue dog", progress=False)
flow.save("flow.circuit.safetensors")
loaded = cw.load("flow.circuit.safetensors")
print(loaded == flow, len(loaded.view()._esm) > 50_000, len(loaded.plot().axes) > 0)
from circuit_widgets.testing import sanitizers
print(sanitizers().is_file())
"""
    assert alone(code).split("\n")[:3] == ["venv", "True True True", "True"]
