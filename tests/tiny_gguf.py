"""A tiny GGUF file, as llama.cpp's converter would write it."""

from __future__ import annotations

from pathlib import Path

import pytest
import transformers

from circuit_widgets.prompts.tokens import _byte_alphabet


def write_gguf(path: Path, config: transformers.LlamaConfig) -> transformers.LlamaForCausalLM:
    """A Llama of 2 layers, 4 heads, width 32, with random weights; in the file, in float32."""
    gguf = pytest.importorskip("gguf")
    vocabulary = ["<s>", "</s>", "<unk>", *_byte_alphabet(), "he"]
    config.vocab_size = len(vocabulary)
    model = transformers.LlamaForCausalLM(config).eval()
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(32)
    writer.add_embedding_length(32)
    writer.add_block_count(2)
    writer.add_feed_forward_length(48)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(8)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3, 3, 3] + [1] * 257)
    writer.add_token_merges(["h e"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(2)
    parts = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    others = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
        "lm_head.weight": "output.weight",
    }
    for name, tensor in model.state_dict().items():
        weight = tensor
        if name in others:
            writer.add_tensor(others[name], weight.numpy())
            continue
        _, _, layer, part = name.removesuffix(".weight").split(".", 3)
        if part.endswith(("q_proj", "k_proj")):
            # llama.cpp keeps the two halves that rotate together side by side.
            heads = 4 if part.endswith("q_proj") else 2
            weight = weight.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)
        writer.add_tensor(f"blk.{layer}.{parts[part]}.weight", weight.contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model
