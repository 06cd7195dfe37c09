"""Every causal decoder that TransformerLens reads, built tiny with random weights by transformers.

`names` lists their classes; `build` makes one from its config, whose sizes go by many names.
"""

from __future__ import annotations

from typing import Any

import torch
import transformers

N_LAYERS, N_HEADS, N_VOCAB, N_CONTEXT, WIDTH = 2, 4, 97, 64, 32

# What a size is called, in one config or another. Only what a config has is set.
_SIZES: dict[str, Any] = {
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers"), N_LAYERS),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads"), N_HEADS),
    **dict.fromkeys(("attention_heads", "num_key_value_heads"), N_HEADS),
    **dict.fromkeys(("hidden_size", "n_embd", "d_model", "word_embed_proj_dim"), WIDTH),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "n_inner", "moe_intermediate_size"), 48),
    **dict.fromkeys(("intermediate_size_mlp", "shared_expert_intermediate_size"), 48),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"), N_CONTEXT),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_topk", "moe_k"), 2),
    **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), 0),
    "vocab_size": N_VOCAB,
    "head_dim": 8,
    "sliding_window": 5,
}
_LATENT = {
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "head_dim": 4,
}
_LINEAR = {"linear_key_head_dim": 8, "linear_value_head_dim": 8}
_LINEAR |= {"linear_num_key_heads": 2, "linear_num_value_heads": 4}
_ROUTED = {"n_group": 1, "topk_group": 1, "first_k_dense_replace": 1, "num_experts_per_tok": 2}
# What a config needs besides, by its type; None: it takes no such size.
_OWN: dict[str, dict[str, Any]] = {
    "bamba": {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_n_groups": 1, "mamba_d_state": 8},
    "codegen": {"rotary_dim": 4},
    "cohere": {"logit_scale": 0.25},
    "deepseek_v2": {**_LATENT, **_ROUTED},
    "deepseek_v3": {**_LATENT, **_ROUTED},
    "falcon": {"head_dim": None},
    "falcon_h1": {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_d_ssm": 64},
    "gemma": {"num_key_value_heads": 1},
    "gemma2": {"attn_logit_softcapping": 2.0, "final_logit_softcapping": 2.0},
    "gemma4_text": {"per_layer_config": None, "hidden_size_per_layer_input": 8},
    "glm4_moe_lite": {**_LATENT, **_ROUTED},
    "glm_moe_dsa": {
        **_LATENT,
        **_ROUTED,
        "index_topk": 64,
        "index_head_dim": 8,
        "index_n_heads": 2,
    },
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 5},
    "gptj": {"rotary_dim": 4},
    "granite": {"logits_scaling": 8.0, "residual_multiplier": 0.3, "embedding_multiplier": 6.0},
    "granitemoehybrid": {
        "mamba_n_heads": 8,
        "mamba_d_head": 8,
        "layer_types": ["attention"] * 2,
        "position_embedding_type": "rope",
    },
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1},
    "llama": {"num_key_value_heads": 2},
    "mamba2": {"num_heads": 8, "head_dim": 8},
    "mixtral": {"num_key_value_heads": 2},
    "nemotron_h": {"mamba_num_heads": 8, "mamba_head_dim": 8, "ssm_state_size": 8},
    "qwen2": {"num_key_value_heads": 2},
    "qwen3_5_moe_text": _LINEAR,
    "qwen3_5_text": _LINEAR,
    "qwen3_next": _LINEAR,
    "starcoder2": {"num_key_value_heads": 1},
    "youtu": _LATENT,
    "zamba2": {"layer_types": ["linear_attention", "hybrid"], "attention_head_dim": 16},
}


def names() -> dict[str, str]:
    """The config's type of each class of models, by the name of the class."""
    from transformer_lens.factories.architecture_adapter_factory import SUPPORTED_ARCHITECTURES
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    found: dict[str, str] = {}
    for kind, classes in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.items():
        for name in (classes,) if isinstance(classes, str) else classes:
            if name not in SUPPORTED_ARCHITECTURES:
                continue
            # A class that reads pictures too has a config of its own for its text part.
            if not hasattr(CONFIG_MAPPING[kind](), "text_config"):
                found[name] = kind
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def build(kind: str) -> Any:
    """transformers' own model of a config's type, with random weights, in eval mode."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    default = CONFIG_MAPPING[kind]()
    wanted = {name: size for name, size in _SIZES.items() if name in default.to_dict()}
    sizes = {**wanted, **_OWN.get(kind, {})}
    config = CONFIG_MAPPING[kind](**{n: size for n, size in sizes.items() if size is not None})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
        # Weights of Hugging Face's size make attention uniform: every comparison would hold.
        for weight in model.parameters():
            weight.data = torch.randn_like(weight) * (0.5 if weight.ndim == 1 else 0.2)
    return model.eval()
