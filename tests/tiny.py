"""Tiny models with random weights, one of each kind of attention, made offline from their configs.

- gpt2: learned positions, biases, q, k and v in one Conv1D.
- llama: rotary positions, grouped keys and values (4 heads, 2 key/value heads), RMSNorm.
- neox: attention and MLP in parallel, rotary positions on a part of each head.
- gemma: multi-query (one key/value head), head size independent of the width, tied embeddings.
- qwen2: grouped keys and values with biases.
- native: TransformerLens' own model, as the zoo's toys are.
- native_gqa: the same with rotary positions and grouped keys and values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.sources import native as tl_native
from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

N_LAYERS, N_HEADS, N_VOCAB, N_CONTEXT = 3, 4, 97, 32
_LLAMA_LIKE: dict[str, Any] = {
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": N_HEADS,
    "hidden_size": 32,
    "intermediate_size": 48,
    "vocab_size": N_VOCAB,
    "max_position_embeddings": N_CONTEXT,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
_HALF_ROTARY = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}


def _configs() -> dict[str, transformers.PretrainedConfig]:
    return {
        "gpt2": transformers.GPT2Config(
            n_layer=N_LAYERS,
            n_head=N_HEADS,
            n_embd=32,
            vocab_size=N_VOCAB,
            n_positions=N_CONTEXT,
            bos_token_id=0,
            eos_token_id=0,
        ),
        "llama": transformers.LlamaConfig(**_LLAMA_LIKE, num_key_value_heads=2),
        "neox": transformers.GPTNeoXConfig(**_LLAMA_LIKE, rope_parameters=_HALF_ROTARY),
        "gemma": transformers.GemmaConfig(**_LLAMA_LIKE, num_key_value_heads=1, head_dim=16),
        "qwen2": transformers.Qwen2Config(**_LLAMA_LIKE, num_key_value_heads=2),
    }


def wrap(model: Any, name: str = "tiny", tokenizer: Any = None) -> TransformerBridge:
    """A bridge around a Hugging Face model. (`boot_transformers` would look for a tokenizer.)"""
    return build_bridge_from_module(
        model, type(model).__name__, hf_config=model.config, model_name=name, tokenizer=tokenizer
    )


def of_config(config: transformers.PretrainedConfig, tokenizer: Any = None) -> TransformerBridge:
    """A bridge with random weights, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
        # Weights of Hugging Face's size make attention uniform: every test would pass.
        for weight in model.parameters():
            weight.data = torch.randn_like(weight) * (0.5 if weight.ndim == 1 else 0.2)
    return wrap(model.eval(), f"tiny-{config.model_type}", tokenizer)


def native(**changes: Any) -> TransformerBridge:
    """TransformerLens' own model, in eval mode."""
    settings: dict[str, Any] = {
        "n_layers": N_LAYERS,
        "n_heads": N_HEADS,
        "d_model": 32,
        "d_head": 8,
        "d_mlp": 48,
        "d_vocab": N_VOCAB,
        "n_ctx": N_CONTEXT,
        "act_fn": "gelu",
        "normalization_type": "LN",
        "init_weights": True,
        "initializer_range": 0.4,
        "seed": 0,
        **changes,
    }
    return tl_native.boot(TransformerBridgeConfig(**settings)).eval()


MAKERS: dict[str, Callable[[], TransformerBridge]] = {
    **{name: lambda name=name: of_config(_configs()[name]) for name in _configs()},
    "native": native,
    "native_gqa": lambda: native(
        n_key_value_heads=2, positional_embedding_type="rotary", gated_mlp=True, act_fn="silu"
    ),
}


def gptoss() -> TransformerBridge:
    """Attention with a learned sink: rows of the pattern sum to less than 1."""
    settings = {**_LLAMA_LIKE, "num_key_value_heads": 2, "head_dim": 8}
    return of_config(
        transformers.GptOssConfig(**settings, num_local_experts=4, num_experts_per_tok=2)
    )


def gptj() -> TransformerBridge:
    """Attention computed inside transformers: its pattern is shown after it was used."""
    return of_config(
        transformers.GPTJConfig(
            n_layer=N_LAYERS,
            n_head=N_HEADS,
            n_embd=32,
            vocab_size=N_VOCAB,
            n_positions=N_CONTEXT,
            rotary_dim=4,
        )
    )


def alibi(name: str, n_heads: int = N_HEADS) -> TransformerBridge:
    """Attention with a bias by distance: "bloom", "mpt" or "falcon"."""
    sizes: dict[str, Any] = {"vocab_size": N_VOCAB, "hidden_size": 8 * n_heads}
    configs = {
        "bloom": lambda: transformers.BloomConfig(**sizes, n_layer=N_LAYERS, n_head=n_heads),
        "mpt": lambda: transformers.MptConfig(
            vocab_size=N_VOCAB,
            d_model=8 * n_heads,
            n_layers=N_LAYERS,
            n_heads=n_heads,
            max_seq_len=2 * N_CONTEXT,
            expansion_ratio=2,
        ),
        "falcon": lambda: transformers.FalconConfig(
            **sizes,
            num_hidden_layers=N_LAYERS,
            num_attention_heads=n_heads,
            alibi=True,
            bias=True,
            multi_query=False,
            parallel_attn=False,
        ),
    }
    return of_config(configs[name]())


def make(name: str) -> TransformerBridge:
    """One of `MAKERS`, the same weights every time."""
    return MAKERS[name]()


def ids(n: int = 11, batch: int = 1, seed: int = 0) -> torch.Tensor:
    """Random token ids [batch, n]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, N_VOCAB, (batch, n), generator=generator)
