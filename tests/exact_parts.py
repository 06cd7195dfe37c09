"""What the parts of a layer add, beside a recomputation with plain hooks: routes and shares."""

from __future__ import annotations

import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets import capture
from circuit_widgets.analysis.flow.contributions import traced
from circuit_widgets.causal.direct import DirectLogits
from tests.plain import IDS, Pairs, Plain


def flow(model: TransformerBridge, plain: Plain) -> Pairs:
    """Routes: how near a query's stream is to what each head writes there from each key."""
    n, n_heads = IDS.shape[1], model.cfg.n_heads
    routes, _ = traced(model, IDS[0])
    _, cache = model.run_with_cache(IDS)
    for layer in range(model.cfg.n_layers):
        z = plain.z(IDS, layer)[0]
        each = _by_key(plain, layer, z)
        yield each.sum(0), z
        project = plain.projections[layer]
        with torch.no_grad():
            # [key, query, head, width]: one head's numbers alone.
            parts = each.unflatten(-1, (n_heads, 1, -1)) * torch.eye(n_heads)[:, :, None]
            nothing = project(torch.zeros_like(z))[0]
            written = (project(parts.flatten(-2)) - nothing).permute(2, 1, 0, 3)
            whole = project(z)
        pre, post = (cache[f"blocks.{layer}.hook_resid_{at}"][0] for at in ("pre", "post"))
        parallel = model.get_hook_point("blocks.0.hook_resid_mid") is None
        added = cache[f"blocks.{layer}.hook_attn_out"][0]
        # A norm after attention, or a scale, as it was in this run.
        written = written * (added / whole)[None, :, None]
        total = post if parallel else pre + added
        beside = [pre, post - pre - added] if parallel else [pre]

        def near(part: Tensor, total: Tensor) -> Tensor:
            return (total.abs().sum(-1) - (total - part).abs().sum(-1)).clamp_min(0)

        shares = torch.stack([near(each, total[:, None]) for each in written]).sum(0)
        shares += torch.diag(sum((near(side, total) for side in beside), torch.zeros(n)))
        shares = shares / shares.sum(-1, keepdim=True)
        last = layer == model.cfg.n_layers - 1
        rows = slice(n - 1, n) if last else slice(0, n)
        yield routes.contributions[layer, rows], shares[rows]


def _by_key(plain: Plain, layer: int, z: Tensor) -> Tensor:
    """What each key gives to z, [key, query, width]: z where all weights of other keys are 0.

    A norm over heads has another scale there; of each query and key it is what makes them sum to z.
    """
    each = []
    for key in range(IDS.shape[1]):

        def alone(at: int, _: Tensor, weights: Tensor, key: int = key) -> Tensor:
            if at != layer:
                return weights
            others = torch.zeros_like(weights)
            others[..., key] = weights[..., key]
            return others

        each.append(plain.z(IDS, layer, alone)[0])
    parts = torch.stack(each)
    if not torch.allclose(parts.sum(0), z, atol=1e-4 * float(z.abs().max())):
        columns = parts.permute(1, 2, 0).double()
        scale = torch.linalg.lstsq(columns, z.double()[..., None], driver="gelsd").solution
        parts = parts * scale[..., 0].T[..., None].float()
    return parts


def attribution(model: TransformerBridge, plain: Plain) -> Pairs:
    """Shares in the logits of some tokens: each head's, and all sum to transformers' own logits."""
    n = IDS.shape[1]
    direct = DirectLogits(model, torch.tensor([n - 2]))
    logits = capture.run(model, IDS, direct.reducers)
    tokens = torch.tensor([[3, 50, 96]])
    found = direct.of(logits, tokens)
    if found.missing:
        raise RuntimeError(f"heads are missing: {found.missing}")
    own = plain.logits(IDS)[0, n - 2].double()
    if found.capped:
        cap = float(model.cfg.output_logits_soft_cap)
        own = cap * (own / cap).atanh()
    beside = found.attention - found.heads.sum(2)
    parts = found.heads.sum(2) + beside + found.mlp + found.other
    whole = parts.sum(1) + found.embedding + found.constant
    yield whole[0], (own[tokens[0]] - own.mean()).float()
    reads = _directions(plain, n - 2, own)[tokens[0]]
    _, cache = model.run_with_cache(IDS)
    for layer, project in enumerate(plain.projections):
        z = plain.z(IDS, layer)[0, n - 2]
        alone = torch.block_diag(*z.view(model.cfg.n_heads, -1))
        with torch.no_grad():
            written, all_heads = project(alone) - project(torch.zeros_like(z)), project(z)
        # A norm after attention, or a scale, as it was in this run.
        written = written * (cache[f"blocks.{layer}.hook_attn_out"][0, n - 2] / all_heads)
        yield found.heads[0, layer], written @ reads.T


def _directions(plain: Plain, position: int, logits: Tensor) -> Tensor:
    """Of every token, what its logit above the mean reads of a part of the stream [vocab, width].

    The final norm is what gives the unembedding its input; in this run it multiplies each number of
    the stream (which it may have centred) by a number.
    """
    unembedding, seen = plain.model.get_output_embeddings(), []

    def see(module: torch.nn.Module, args: tuple, output: object) -> None:
        if isinstance(output, Tensor) and output.shape[-1] == unembedding.weight.shape[1]:
            seen.append((module, args, output))

    handles = [module.register_forward_hook(see) for module in plain.model.modules()]
    given: list[Tensor] = []
    keep = unembedding.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    plain.logits(IDS)
    for handle in (*handles, keep):
        handle.remove()
    last = [(module, args) for module, args, output in seen if torch.equal(output, given[0])]
    assert last, "nothing gives the unembedding its input"
    norm, (stream, *_) = last[0]
    stream = stream[0, position]
    with torch.no_grad():
        after, nothing, moved = norm(torch.stack([stream, 0 * stream, stream + 1])[None])[0]
        centres = torch.allclose(after, moved, atol=1e-3)
        diagonal = (after - nothing) / (stream - stream.mean() if centres else stream)
        read = unembedding.weight - unembedding.weight.mean(0)
        raw = unembedding(after)
        # A model may scale its logits.
        factor = ((logits - logits.mean()) / (raw - raw.mean())).median().float()
        read = factor * read * diagonal
        return read - read.mean(1, keepdim=True) if centres else read
