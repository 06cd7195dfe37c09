"""Getting a model: from the zoo, a folder, the cache, a GGUF file; and what is refused, and how."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
import transformers
from transformer_lens.utilities.attn_implementation import force_eager_attention

from circuit_widgets import models
from circuit_widgets.models import _gguf, check_model, load_model, name_of
from tests import tiny
from tests.prompts.test_tokens import byte_level
from tests.tiny_gguf import write_gguf

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "vocab_size": 97,
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and a Hub that cannot be reached."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("CIRCUIT_WIDGETS_CACHE", str(tmp_path / "ours"))

    def unreachable(*_, **__):
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreachable)
    return tmp_path


def llama() -> transformers.LlamaForCausalLM:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        **SMALL, num_key_value_heads=2, max_position_embeddings=32, bos_token_id=0, eos_token_id=0
    )
    return transformers.LlamaForCausalLM(config).eval()


def save(folder: Path) -> transformers.LlamaForCausalLM:
    config = llama().config
    config.vocab_size = 300
    model = transformers.LlamaForCausalLM(config).eval()
    model.save_pretrained(folder)
    byte_level(folder)
    return model


def test_the_shipped_toy() -> None:
    model = load_model()
    assert name_of(model) == "toy-induction" and not model.training
    assert model.cfg.dtype == torch.float32
    assert models.n_context(model) >= 32
    same = load_model("toy-induction", seed=0)
    ids = torch.tensor([[0, 4, 5, 6]])
    with torch.no_grad():
        assert torch.equal(model(ids), same(ids))
        untrained = load_model("toy-induction", step=0, seed=1)
        assert not torch.equal(model(ids), untrained(ids))
    assert load_model(dtype=torch.bfloat16).cfg.dtype == torch.bfloat16


def test_a_bridge_comes_back_itself_in_eval_mode() -> None:
    model = tiny.native()
    model.train()
    assert load_model(model) is model
    assert not model.training and not model.original_model.training
    assert load_model(model, device="cpu", dtype=torch.float16) is model
    assert model.cfg.dtype == torch.float16 and model.blocks[0].attn.q.weight.dtype == torch.float16


def test_a_hugging_face_model_that_is_loaded(tmp_path: Path) -> None:
    plain = save(tmp_path / "my-llama").to(torch.bfloat16)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "my-llama")
    ids = torch.tensor([[0, 5, 9, 40]])
    with torch.no_grad():
        expected = plain(ids).logits
    plain.config.name_or_path = plain.name_or_path = "someone/my-llama"
    plain.train()
    model = load_model(plain, tokenizer=tokenizer)
    assert model.original_model is plain and not model.training
    assert name_of(model) == "my-llama" and model.cfg.dtype == torch.bfloat16
    with torch.no_grad():
        torch.testing.assert_close(model(ids), expected, atol=0.02, rtol=0.02)
    assert model.tokenizer.decode(model.to_tokens("he")[0, 1:]) == "he"


def test_a_model_and_its_tokenizer_belong_together() -> None:
    with pytest.raises(TypeError, match=r"load_model\(model, tokenizer=tokenizer\)"):
        load_model(llama())
    with pytest.raises(TypeError, match="only with a Hugging Face model"):
        load_model("toy-induction", tokenizer=load_model().tokenizer)


def test_a_folder(tmp_path: Path) -> None:
    plain = save(tmp_path / "my-llama")
    for name in (tmp_path / "my-llama", str(tmp_path / "my-llama")):
        model = load_model(name, device="cpu")
        assert name_of(model) == "my-llama" and not model.training
    ids = torch.tensor([[0, 5, 9, 40]])
    with torch.no_grad():
        torch.testing.assert_close(model(ids), plain(ids).logits)
    assert model.tokenizer.decode(model.to_tokens("he")[0, 1:]) == "he"


def test_a_gguf_file_is_converted_once(no_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = no_network / "tiny.gguf"
    plain = write_gguf(file, llama().config)
    model = load_model(file, device="cpu")
    assert name_of(model) == "tiny" and not model.training
    ids = torch.tensor([[0, 5, 9, 40]])
    with torch.no_grad():
        torch.testing.assert_close(model(ids), plain(ids).logits)
    assert model.to_str_tokens("he") == ["<s>", "he"]

    def again(*_):
        raise AssertionError("converted again")

    convert = _gguf.convert
    monkeypatch.setattr(_gguf, "convert", again)
    load_model(str(file), device="cpu")
    # Another file of that name.
    os.utime(file, ns=(1, 1))
    with pytest.raises(AssertionError, match="converted again"):
        load_model(file)
    assert len(list((no_network / "ours" / "gguf").iterdir())) == 1
    monkeypatch.setattr(_gguf, "convert", convert)

    def interrupted(path: Path, folder: Path) -> None:
        (folder / "config.json").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(_gguf, "convert", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_model(file)
    assert len(list((no_network / "ours" / "gguf").iterdir())) == 1


def test_a_gguf_file_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load_model("nowhere.gguf")
    pytest.importorskip("gguf")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF, or is it?")
    with pytest.raises(ValueError, match=r"transformers cannot read .*broken\.gguf"):
        load_model(tmp_path / "broken.gguf")
    monkeypatch.setattr(_gguf, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"pip install .circuit_widgets\[gguf\]"):
        load_model(tmp_path / "broken.gguf")


@pytest.mark.parametrize("name", list(tiny.MAKERS))
def test_decoders_are_accepted(name: str) -> None:
    check_model(tiny.make(name))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (
            lambda: transformers.BertForMaskedLM(transformers.BertConfig(**SMALL)),
            "attends to later tokens",
        ),
        (
            lambda: transformers.T5ForConditionalGeneration(
                transformers.T5Config(
                    d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, vocab_size=97
                )
            ),
            "has an encoder beside its decoder",
        ),
        (
            lambda: transformers.MambaForCausalLM(
                transformers.MambaConfig(
                    hidden_size=32, num_hidden_layers=2, vocab_size=97, state_size=4
                )
            ),
            "has no attention;",
        ),
        (
            lambda: transformers.Qwen3NextForCausalLM(
                transformers.Qwen3NextConfig(
                    **SMALL,
                    num_key_value_heads=2,
                    head_dim=8,
                    linear_num_value_heads=4,
                    linear_num_key_heads=2,
                    linear_key_head_dim=8,
                    linear_value_head_dim=8,
                    num_experts=2,
                    num_experts_per_tok=1,
                    moe_intermediate_size=16,
                    shared_expert_intermediate_size=16,
                    layer_types=["linear_attention", "full_attention"],
                )
            ),
            "has no attention in layer 0;",
        ),
        (
            lambda: transformers.ViTForImageClassification(
                transformers.ViTConfig(
                    hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48
                )
            ),
            "does not read text",
        ),
    ],
)
def test_models_without_causal_attention_are_refused(make, reason: str) -> None:
    inner = make().eval()
    force_eager_attention(inner)
    model = tiny.wrap(inner, "someone/other")
    with pytest.raises(ValueError, match=f"^other {reason}.* accepted are decoder-only models"):
        check_model(model)
    with pytest.raises(ValueError, match=reason):
        load_model(model)


def test_a_native_model_that_looks_both_ways_is_refused() -> None:
    with pytest.raises(ValueError, match="it is not causal"):
        check_model(tiny.native(attention_dir="bidirectional"))


def test_importing_models_is_cheap() -> None:
    code = (
        "import sys, circuit_widgets.models; print({'torch', 'transformer_lens'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.smollm2
def test_smollm2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CIRCUIT_WIDGETS_CACHE")
    try:
        model = load_model("SmolLM2-135M")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    assert name_of(model) == "SmolLM2-135M" and not model.training
    assert (model.cfg.n_layers, model.cfg.n_heads, model.cfg.n_key_value_heads) == (30, 9, 3)
    assert model.to_str_tokens("Hello")[0] == "<|im_start|>"
    with torch.no_grad():
        logits = model(model.to_tokens("The capital of France is"))
    assert model.tokenizer.decode(logits[0, -1].argmax()) == " Paris"


def test_weights_without_numbers_are_refused() -> None:
    model = tiny.make("llama")
    model.original_model.to("meta")
    with pytest.raises(ValueError, match="is on the meta device, where weights have no numbers"):
        check_model(model)
