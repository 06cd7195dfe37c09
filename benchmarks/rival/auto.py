"""auto-circuit: edges to first order, by the slope of a mask on every edge at once."""

from __future__ import annotations

import torch
import transformers
from auto_circuit.data import PromptDataLoader, PromptDataset
from auto_circuit.prune_algos.mask_gradient import mask_gradient_prune_scores
from auto_circuit.utils.graph_utils import patchable_model
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.pretrained.weight_conversions import convert_llama_weights

from benchmarks.rival import side

ENTRIES = ("q_input", "k_input", "v_input", "mlp_in")


def _rotary_base(own: transformers.PretrainedConfig) -> int:
    """As transformers 5 writes it down, where transformers 4 does not look for it."""
    return int((getattr(own, "rope_parameters", None) or {}).get("rope_theta") or own.rope_theta)


def hooked() -> HookedTransformer:
    """The model, as TransformerLens 2 reads one of the Llama architecture from the Hub."""
    llama = transformers.AutoModelForCausalLM.from_pretrained(side.MODEL, dtype=torch.float32)
    own = llama.config
    cfg = HookedTransformerConfig(
        d_model=own.hidden_size,
        d_head=own.hidden_size // own.num_attention_heads,
        n_heads=own.num_attention_heads,
        n_key_value_heads=own.num_key_value_heads,
        d_mlp=own.intermediate_size,
        n_layers=own.num_hidden_layers,
        n_ctx=64,
        eps=own.rms_norm_eps,
        d_vocab=own.vocab_size,
        act_fn=own.hidden_act,
        normalization_type="RMS",
        positional_embedding_type="rotary",
        rotary_adjacent_pairs=False,
        rotary_dim=own.hidden_size // own.num_attention_heads,
        rotary_base=_rotary_base(own),
        final_rms=True,
        gated_mlp=True,
        device="cpu",
    )
    model = HookedTransformer(cfg)
    weights = {name: value.detach() for name, value in convert_llama_weights(llama, cfg).items()}
    model.load_state_dict(weights, strict=False)
    model.set_use_attn_result(True)
    model.set_use_split_qkv_input(True)
    model.set_use_hook_mlp_in(True)
    model.set_ungroup_grouped_query_attention(True)
    return model.eval()


given = side.prompts()
model = hooked()
for weight in model.parameters():
    weight.requires_grad = False
n_layers = model.cfg.n_layers
patchable = patchable_model(
    model, factorized=True, slice_output="last_seq", separate_qkv=True, device=torch.device("cpu")
)
answers = (list(given[name][:, None]) for name in ("right", "wrong"))
prompts = PromptDataset(given["clean"], given["corrupt"], *answers)
loader = PromptDataLoader(prompts, seq_len=None, diverge_idx=0, batch_size=len(given["clean"]))


def found() -> dict[str, torch.Tensor]:
    scores = mask_gradient_prune_scores(
        patchable, loader, None, grad_function="logit", answer_function="avg_diff", mask_val=0.0
    )
    n_sources = scores[f"blocks.{n_layers - 1}.hook_resid_post"].shape[-1]
    read = [f"blocks.{layer}.hook_{entry}" for layer in range(n_layers) for entry in ENTRIES]
    rows = []
    for name in (*read, f"blocks.{n_layers - 1}.hook_resid_post"):
        part = scores[name].view(-1, scores[name].shape[-1])
        rows.append(torch.nn.functional.pad(part, (0, n_sources - part.shape[1])))
    return {"ungrouped": torch.cat(rows).T}


side.answer(found)
