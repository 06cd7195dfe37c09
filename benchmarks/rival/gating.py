"""nam-causal-head-gating: a gate for every head, trained on the likelihood of the right answer."""

from __future__ import annotations

import torch
import transformers
from causal_head_gating import CHGTrainer
from causal_head_gating.data.datasets import MaskedSequenceDataset

from benchmarks.rival import side

# Of each of its three stages; it has 500 by default.
UPDATES = 30

given = side.prompts()
torch.manual_seed(0)
model = transformers.AutoModelForCausalLM.from_pretrained(side.MODEL, dtype=torch.float32).eval()
for weight in model.parameters():
    weight.requires_grad = False
ids = torch.cat([given["clean"], given["right"][:, None]], 1)
supervised = torch.zeros_like(ids, dtype=torch.bool)
supervised[:, -1] = True
dataset = MaskedSequenceDataset(pad_token_id=-1, input_ids=ids, loss_masks=supervised)


def found() -> dict[str, torch.Tensor]:
    trainer = CHGTrainer(model, dataset, batch_size=len(ids))
    for _ in trainer.fit(UPDATES, UPDATES, verbose=False):
        pass
    return {"gates": trainer.mask_logits_pos}


side.answer(found)
