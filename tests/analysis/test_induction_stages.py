"""Copying, ablations and pairs: naive recomputation, planted circuits, real models."""

from __future__ import annotations

import math
import random

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture, models
from circuit_widgets.analysis.induction.copying import TOP, CopiedTokens, copying_by_weights
from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.metrics import losses, second_copy_logp
from circuit_widgets.heads import Head
from circuit_widgets.prompts.repeats import Probe
from circuit_widgets.weights.heads import head_weights
from circuit_widgets.weights.unembedding import Unembedding
from tests import tiny
from tests.circuits import Circuit, build


# In GPT-J a head's z is there before its pattern.
@pytest.fixture(params=[*tiny.MAKERS, "gptj"])
def model(request):
    return tiny.gptj() if request.param == "gptj" else tiny.make(request.param)


def test_copying_is_what_the_whole_matrices_eigenvalues_say(model) -> None:
    weights, logits = copying_by_weights(model, 0)
    unembedding = Unembedding(model)
    out = unembedding.norm.fold(model.W_U.detach().float())
    for layer in range(tiny.N_LAYERS):
        w = head_weights(model, layer)
        for head in range(tiny.N_HEADS):
            ov = w.v[head] @ w.o[head]
            for score, matrix in ((weights, ov), (logits, model.W_E.detach().float() @ ov @ out)):
                values = torch.linalg.eigvals(matrix.double())
                naive = float(values.real.sum() / values.abs().sum())
                assert float(score.value[layer, head]) == pytest.approx(naive, abs=1e-3)
    assert float(weights.control_low[0, 0]) < float(weights.control_high[0, 0])


def test_copied_tokens_by_loops(model) -> None:
    ids = tiny.ids(9, batch=2, seed=3)
    copied = CopiedTokens(model, ids, 4)
    capture.run(model, ids, copied.reducers)
    _, cache = model.run_with_cache(ids)
    unembedding = Unembedding(model)
    for row in range(2):
        some = sorted(set(ids[row].tolist()))
        directions = unembedding.directions(torch.tensor(some))
        for layer in range(tiny.N_LAYERS):
            for head in range(tiny.N_HEADS):
                pattern = cache[f"blocks.{layer}.attn.hook_pattern"][row, head]
                z = cache[f"blocks.{layer}.attn.hook_z"][row, :, head]
                hits = 0
                for q in range(4, 9):
                    attended = int(ids[row, pattern[q].argmax()])
                    raised = z[q] @ model.W_O[layer, head] @ directions.T
                    best = raised.detach().topk(TOP).indices.tolist()
                    hits += attended in [some[i] for i in best]
                assert float(copied.hits[row, layer, head]) == pytest.approx(hits / 5)


def test_an_ablation_is_what_running_without_the_head_costs(model) -> None:
    probe = Probe(model, 6, 0, False)
    batches = [probe.pairs(2)[:2], probe.pairs(1)[:1]]
    kept = Ablation(model, batches, second_copy_logp(probe.layout))
    everything = torch.cat(batches)
    z = capture.Keep("z")
    clean = losses(capture.run(model, everything, [z]), everything, probe.layout)[1]
    torch.testing.assert_close(kept.clean, -clean, rtol=1e-4, atol=1e-5)
    heads = [Head(1, 0), Head(2, 3)]
    means = {layer: (t.sum(0, keepdim=True) - t) / (len(t) - 1) for layer, t in z.tensors.items()}
    edit = capture.patch("z", means, heads=heads)
    without = losses(
        capture.run(model, everything, interventions=[edit]), everything, probe.layout
    )[1]
    torch.testing.assert_close(kept.effect(heads), without - clean, rtol=1e-3, atol=1e-4)


def planted(seed: int) -> Circuit:
    """A circuit of random size with its two heads at random places, and others that mislead."""
    dice = random.Random(seed)
    n_layers, n_heads = dice.randint(2, 4), dice.randint(2, 4)
    first = dice.randrange(n_layers - 1)
    previous = (first, dice.randrange(n_heads))
    induction = (dice.randrange(first + 1, n_layers), dice.randrange(n_heads))
    free = [(x, y) for x in range(n_layers) for y in range(n_heads)]
    free = [at for at in free if at not in (previous, induction)]
    kinds = ("previous", "duplicate", "current")
    others = tuple((at, dice.choice(kinds)) for at in dice.sample(free, min(2, len(free))))
    return Circuit(n_layers, n_heads, previous, induction, others, vocabulary=26, context=18)


def test_sixty_plantings_are_found_and_nothing_else() -> None:
    hits = false = missed = lonely = 0
    for seed in range(60):
        circuit = planted(seed)
        result = identify_induction_heads(
            build(circuit), n_sequences=3, length=8, seed=seed, ablation=0, progress=False
        )
        assert result.heads() == [Head(*circuit.induction)]
        assert result.pairs is not None
        found = {
            (pair.previous_token_head, pair.induction_head)
            for pair in result.pairs
            if pair.confirmed
        }
        truth = (str(Head(*circuit.previous)), str(Head(*circuit.induction)))
        (own,) = (
            pair
            for pair in result.pairs
            if (pair.previous_token_head, pair.induction_head) == truth
        )
        if own.path_null_high is None:
            # Of an earlier layer there are not two other heads: nothing to compare with.
            assert not own.confirmed and own.why_not.startswith("there are not two random heads")
            lonely += 1
            continue
        hits += truth in found
        missed += truth not in found
        false += len(found - {truth})
    precision, recall = hits / (hits + false), hits / (hits + missed)
    print(f"60 plantings: precision {precision:.3f}, recall {recall:.3f}, no null: {lonely}")
    assert (precision, recall) == (1, 1) and hits >= 30


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_trained_toys_have_pairs_and_the_untrained_none(seed: int) -> None:
    asked = {"n_sequences": 8, "copying": False, "progress": False}
    trained = identify_induction_heads(cw.load_model("toy-induction", seed=seed), **asked)
    assert trained.pairs and any(pair.confirmed for pair in trained.pairs)
    assert max(pair.k_z for pair in trained.pairs if pair.confirmed) > 3
    assert trained.in_context is not None and float(trained.in_context.high) < -3
    assert float(trained.in_context.control_low) > -1
    untrained = identify_induction_heads(cw.load_model("toy-induction", seed=seed, step=0), **asked)
    assert untrained.heads() == [] and untrained.pairs == ()
    assert untrained.joint_ablation is None
    print(f"untrained, seed {seed}: no head and no pair is found; false alarms 0")


def test_more_comes_after_the_scores_and_says_what_is_pending() -> None:
    job = identify_induction_heads.job(cw.load_model(), n_sequences=4, ablation=2)
    seen = []
    job.on_result(lambda result, *_: seen.append(result))
    job.start()
    assert job.wait(60) and job.error is None
    assert [result.provenance.complete for result in seen[:-1]] == [False] * (len(seen) - 1)
    assert seen[-1].provenance.complete and seen[-1].provenance.pending == ()
    first = seen[0].provenance.progress
    assert first == "partial: 1 of 4 sequences, without copying and ablation and pairs"
    assert seen[0].copying is None and seen[-1].copying is not None
    ablated = seen[-1].ablation
    assert int(ablated.value.isfinite().sum()) == 2
    # All heads of layer 1 are induction heads, and none is left to compare with.
    assert ablated.control.isnan().all()


def test_the_in_context_score_is_the_loss_late_less_early() -> None:
    model = tiny.native(n_ctx=560)
    texts = [tiny.ids(520, seed=seed)[0].tolist() for seed in range(3)]
    result = identify_induction_heads(
        model,
        n_sequences=1,
        length=8,
        copying=False,
        ablation=0,
        pairs=False,
        texts=texts,
        progress=False,
    )
    known = []
    with torch.no_grad():
        for text in texts:
            logp = model(torch.tensor([text]))[0].log_softmax(-1)
            known.append(float(logp[49, text[50]] - logp[499, text[500]]))
    score = result.text_in_context
    assert score is not None and float(score.value) == pytest.approx(sum(known) / 3, abs=1e-4)
    assert score.control is not None and result.provenance.complete
    with pytest.raises(ValueError, match="of 501 tokens or more"):
        identify_induction_heads(model, length=8, texts=[[1, 2, 3]])


@pytest.mark.smollm2
@pytest.mark.slow
def test_smollm2s_induction_heads_matter_and_random_ones_do_not(smollm2) -> None:
    result = identify_induction_heads(
        smollm2, n_sequences=6, length=20, copying=False, ablation=2, progress=False
    )
    joint = result.joint_ablation
    # Against where one more random set of the same layers would be.
    assert joint is not None and float(joint.low) > 3 * float(joint.control_high) > 0
    best = max(result.pairs, key=lambda pair: pair.path)
    assert best.confirmed and best.path_low > 0.5 > 10 * best.path_null_high
    assert best.k_z > 20 and best.k_percentile > 98 and models.name_of(smollm2) in repr(result)
    weak = [pair for pair in result.pairs if pair.previous_token_head == "1.2"]
    assert weak and not any(pair.confirmed for pair in weak)
    ablated = result.ablation.value
    assert math.isclose(float(ablated[ablated.isfinite()].max()), float(ablated.nan_to_num().max()))
