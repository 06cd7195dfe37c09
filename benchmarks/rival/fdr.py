"""transformerlens-fdr: z of every head and the output of every MLP patched, and signs flipped."""

from __future__ import annotations

import torch
from transformer_lens.model_bridge import TransformerBridge
from transformerlens_fdr import PatchingAuditor

from benchmarks.rival import side

given = side.prompts()
model = TransformerBridge.boot_transformers(side.MODEL, device="cpu", dtype=torch.float32)


def found() -> dict[str, torch.Tensor]:
    effects, q = [], []
    for kind in ("attn_head", "mlp_out"):
        auditor = PatchingAuditor(model, side.difference, hook_type=kind, n_perm=9999)
        with torch.no_grad():
            audit = auditor.run_patching_audit(
                given["clean"], given["corrupt"], given["right"], given["wrong"], method="signflip"
            )
        effects.append(audit.raw_patching_effects * audit.clean_corrupted_gap_mean)
        q.append(audit.q_values)
    # A layer's heads, then its MLP, as our nodes are ordered; it has no embedding.
    return {"nodes": torch.cat(effects, 1).flatten(), "q": torch.cat(q, 1).flatten()}


side.answer(found)
