"""trace_induction: planted circuits, a naive recomputation, the toy, and what it refuses."""

from __future__ import annotations

import threading

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.analysis.induction.hops import earlier_positions
from circuit_widgets.analysis.induction.trace import trace_induction
from circuit_widgets.analysis.induction.trace_results import InductionTrace
from circuit_widgets.capture.stopping import current_stop
from circuit_widgets.heads import Head
from circuit_widgets.weights.unembedding import Unembedding
from tests import tiny
from tests.analysis.test_induction_stages import planted
from tests.circuits import Circuit, build

IDS = [3, 7, 9, 4, 3, 7, 9, 5, 3, 8]


def test_the_earlier_position_is_the_latest_with_a_token_after_it() -> None:
    assert earlier_positions([1, 2, 1, 1, 2], 0) == [-1, -1, 0, 0, 1]
    assert earlier_positions([1, 1, 2, 1], 0) == [-1, -1, -1, 1]
    assert earlier_positions([5, 1, 5, 5], 1) == [-1, -1, -1, -1]


@pytest.mark.parametrize("seed", range(8))
def test_a_planted_circuit_is_followed_hop_by_hop(seed: int) -> None:
    circuit = planted(seed)
    model = build(circuit)
    found = trace_induction(model, IDS, progress=False)
    assert found.heads == (str(Head(*circuit.induction)),)
    first = found.previous.index(str(Head(*circuit.previous)))
    assert found.repeats() == [4, 5, 6, 8]
    assert found.earlier.tolist() == [-1, -1, -1, -1, 0, 1, 2, -1, 4, -1]
    # At 8 the token stood at 0 and at 4: attention is shared between what followed.
    assert found.attention[0, [4, 5, 6]].tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    assert float(found.attention[0, 8]) == pytest.approx(0.5, abs=1e-5)
    assert found.first_hop[first, [4, 5, 6, 8]].tolist() == pytest.approx([1] * 4, abs=1e-5)
    assert found.paths[first, 0, [4, 5, 6]].tolist() == pytest.approx([1] * 3, abs=1e-5)
    others = (circuit.gain) * (1 - 1 / circuit.vocabulary)
    assert found.added[0, [4, 5, 6]].tolist() == pytest.approx([others] * 3, rel=1e-4)
    assert found.predicted[[4, 5, 6, 8]].all()
    assert found.follows[[4, 5, 6, 8]].tolist() == [True, True, False, False]
    assert found.attention[0, [0, 1, 2, 3, 7, 9]].isnan().all()


@pytest.mark.parametrize("name", list(tiny.MAKERS))
def test_every_number_is_that_of_a_plain_cache(name: str) -> None:
    model = tiny.make(name)
    ids = [5, 6, 7, 5, 6, 9, 7]
    heads, previous = ["1.2", "2.0"], ["0.1"]
    found = trace_induction(model, ids, heads=heads, previous=previous, progress=False)
    with torch.no_grad():
        logits, cache = model.run_with_cache(torch.tensor([ids]))
    unembedding = Unembedding(model)
    scale = unembedding.norm.scale(cache[f"blocks.{tiny.N_LAYERS - 1}.hook_resid_post"][0])
    for q in found.repeats():
        then = int(found.earlier[q]) + 1
        for h, (layer, index) in enumerate(((1, 2), (2, 0))):
            pattern = cache[f"blocks.{layer}.attn.hook_pattern"][0, index]
            assert float(found.attention[h, q]) == pytest.approx(float(pattern[q, then]), abs=1e-6)
            write = (
                cache[f"blocks.{layer}.attn.hook_z"][0, q, index] @ model.W_O[layer, index].detach()
            )
            raised = write / scale[q] @ unembedding.directions(torch.tensor(ids)).T
            assert float(found.added[h, q]) == pytest.approx(float(raised[then]), abs=1e-4)
            rest = [float(raised[k]) for k in range(len(ids)) if ids[k] != ids[then]]
            assert float(found.added_chance[h, q]) == pytest.approx(sum(rest) / len(rest), abs=1e-4)
        hop = cache["blocks.0.attn.hook_pattern"][0, 1, then, then - 1]
        assert float(found.first_hop[0, q]) == pytest.approx(float(hop), abs=1e-6)
        wanted = logits[0, q].softmax(-1)[ids[then]]
        assert float(found.probability[q]) == pytest.approx(float(wanted), rel=1e-3)
        assert bool(found.predicted[q]) == (int(logits[0, q].argmax()) == ids[then])


def test_the_toy_continues_what_it_has_seen(tmp_path) -> None:
    model = cw.load_model()
    text = "blue dog seven river blue dog seven"
    probed = cw.identify_induction_heads(model, n_sequences=8, progress=False)
    found = trace_induction(model, text, heads=probed, progress=False)
    assert found.heads == tuple(map(str, probed.heads()))
    assert (found.probability[found.repeats()] > 0.3).all() and "appeared earlier" in repr(found)
    frame = found.to_frame()
    assert len(frame) == len(found.repeats()) * len(found.heads)
    assert set(frame["expected"]) == {"dog", "seven", "river"}
    named = {(row.layer, row.head, row.name) for row in frame.itertuples(index=False)}
    assert named == {(head.layer, head.index, str(head)) for head in probed.heads()}
    found.save(tmp_path / "trace")
    assert cw.load(tmp_path / "trace") == found == InductionTrace.load(tmp_path / "trace")
    with pytest.raises(ValueError, match="holds InductionTrace"):
        cw.InductionHeads.load(tmp_path / "trace")


def test_what_cannot_be_traced_is_a_sentence() -> None:
    model = cw.load_model()
    with pytest.raises(ValueError, match=r"no token of this prompt .* repeats an earlier one"):
        trace_induction(model, "blue dog seven")
    with pytest.raises(ValueError, match="there is no head 7"):
        trace_induction(model, "blue dog blue dog", heads=["7.1"])
    with pytest.raises(ValueError, match="empty"):
        trace_induction(model, "")
    untrained = cw.load_model("toy-induction", step=0)
    with pytest.raises(ValueError, match="no head of this model is a significant induction head"):
        trace_induction(untrained, "blue dog blue dog", progress=False)
    other = cw.identify_induction_heads(
        build(Circuit(3, 3, (0, 0), (1, 1))), n_sequences=2, length=6, ablation=0, progress=False
    )
    with pytest.raises(ValueError, match="3 x 3 heads"):
        trace_induction(model, "blue dog blue dog", heads=other)


REPEATS = "blue dog seven river blue dog seven"


def test_the_probe_is_made_step_by_step_and_the_model_is_free_between_them() -> None:
    model = cw.load_model()
    steps = trace_induction.steps(model, REPEATS)
    passes = []
    with capture.counting(model) as counted:
        for step in steps:
            passes.append(counted.forwards)
            assert not isinstance(step, cw.InductionHeads)
    # Eight sequences in passes of 1, 4 and 3, then the prompt: never two passes in a step.
    assert max(b - a for a, b in zip([0, *passes], passes, strict=False)) == 1
    assert passes[-1] == 4

    job = trace_induction.job(model, REPEATS)
    free = []

    def look(_: object) -> None:
        other = threading.Thread(
            target=lambda: free.append(capture.run(model, model.to_tokens("a")))
        )
        other.start()
        other.join(30)

    job.on_progress(look)
    job.start()
    assert job.wait(60) and job.state == "done"
    # Four passes and the result.
    assert len(free) == 5 and isinstance(job.result, InductionTrace)


def test_an_interrupt_of_the_probe_goes_through() -> None:
    class Interrupt(threading.Event):
        looks = 0

        def is_set(self) -> bool:
            self.looks += 1
            if self.looks == 5:  # in the second pass of the probe
                raise KeyboardInterrupt
            return False

    token = current_stop.set(Interrupt())
    try:
        with pytest.raises(KeyboardInterrupt):
            trace_induction(cw.load_model(), REPEATS, progress=False)
    finally:
        current_stop.reset(token)


def test_its_settings_are_kept() -> None:
    found = trace_induction(cw.load_model(), REPEATS, heads="1.2", previous="0.1", progress=False)
    made = found.provenance
    assert made.parameters == {"heads": ("1.2",), "previous": ("0.1",), "seed": 0}
    with pytest.raises(ValueError, match="seed is -1"):
        trace_induction(cw.load_model(), REPEATS, seed=-1)
