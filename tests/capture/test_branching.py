"""Changed copies of a run in one pass: each is what a run of its own comes to."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets import capture
from circuit_widgets.capture.branching import can_branch
from circuit_widgets.causal.nodes import parts_of
from circuit_widgets.causal.patching import Patching
from tests import tiny

MAKERS: dict[str, Callable[[], TransformerBridge]] = {
    **{
        name: functools.partial(tiny.make, name)
        for name in ("gpt2", "llama", "neox", "gemma", "native", "native_gqa")
    },
    "gptj": tiny.gptj,
    "gptoss": tiny.gptoss,
}
TOKENS = tiny.ids(7, batch=2, seed=1)
OTHER = torch.cat([TOKENS[:, :4], tiny.ids(3, batch=2, seed=2)], 1)
ROUNDING = 3e-5


@functools.cache
def model_of(name: str) -> TransformerBridge:
    return MAKERS[name]()


@pytest.mark.parametrize("name", MAKERS)
def test_each_branch_is_a_run_of_its_own(name: str) -> None:
    model = model_of(name)
    inputs = capture.BlockInputs()
    logits = capture.run(model, TOKENS, [inputs])
    flipped = capture.patch("resid_pre", {0: inputs.stream(0).flip(0)})
    cut = capture.ablate("1.1", by="zero")
    last = capture.scale(["2.0", "2.1"], 3.0)
    branches = [
        capture.Branch(0, 1, [flipped]),
        capture.Branch(1, 2, [cut]),
        capture.Branch(1, 1, []),
        capture.Branch(2, 1, [last]),
    ]
    places = torch.tensor([[6, 1], [3, 3]])
    assert can_branch(model)
    with capture.counting(model) as passes:
        whole = capture.branch(model, inputs, branches)
    few = capture.branch(model, inputs, branches, places)
    edits = [[flipped], [cut], [cut], [], [last]]
    want = torch.cat([capture.run(model, TOKENS, [], each) for each in edits])
    assert torch.allclose(whole, want, atol=ROUNDING)
    rows = torch.arange(10)[:, None]
    assert torch.allclose(few, want[rows, places.repeat(5, 1)], atol=ROUNDING)
    assert not torch.allclose(whole[:2], logits, atol=1e-3)
    assert (passes.forwards, passes.blocks) == (0, 3)
    assert not capture.foreign_hooks(model)


def test_hooks_of_the_users_own_run_in_every_branch() -> None:
    model = tiny.make("llama")
    model.add_hook("blocks.0.hook_out", lambda tensor, hook: 2 * tensor)
    inputs = capture.BlockInputs()
    capture.run(model, TOKENS, [inputs])
    cut = capture.ablate("1.1", by="zero")
    found = capture.branch(model, inputs, [capture.Branch(1, 1, [cut])])
    assert torch.allclose(found, capture.run(model, TOKENS, [], [cut]), atol=ROUNDING)
    assert capture.suffix_inputs(model, TOKENS, 3, found) is None
    model.reset_hooks()


def test_an_error_in_a_branch_leaves_no_hook_behind() -> None:
    model = model_of("llama")
    inputs = capture.BlockInputs()
    logits = capture.run(model, TOKENS, [inputs])
    wrong = capture.patch("z", {1: torch.zeros(2, 3, 4, 5)})
    with pytest.raises(ValueError, match="shape"):
        capture.branch(model, inputs, [capture.Branch(1, 1, [wrong])])
    assert torch.equal(capture.run(model, TOKENS), logits)


def test_branches_out_of_order_and_edits_of_other_layers_are_refused() -> None:
    model = model_of("llama")
    inputs = capture.BlockInputs()
    capture.run(model, TOKENS, [inputs])
    with pytest.raises(ValueError, match="order"):
        capture.branch(model, inputs, [capture.Branch(1, 1, []), capture.Branch(0, 1, [])])
    with pytest.raises(ValueError, match="its own layer"):
        edit = capture.ablate("1.1", by="zero")
        capture.branch(model, inputs, [capture.Branch(0, 1, [edit])])


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox", "gemma", "gptj"])
def test_a_cached_beginning_changes_nothing(name: str) -> None:
    model = model_of(name)
    inputs = capture.suffix_inputs(model, TOKENS, 4, capture.run(model, TOKENS))
    assert inputs is not None and inputs.stream(0).shape[1] == 3
    found = capture.branch(model, inputs, [capture.Branch(1, 2, [])])
    want = capture.run(model, TOKENS)[:, 4:].repeat(2, 1, 1)
    assert torch.allclose(found, want, atol=ROUNDING)
    # A second time: the cache has not grown.
    assert torch.equal(found, capture.branch(model, inputs, [capture.Branch(1, 2, [])]))


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_patching_is_the_same_with_the_beginning_left_out(name: str, direction: str) -> None:
    model = model_of(name)
    nodes = parts_of(model)
    places = torch.tensor([[6, 5], [4, 6]])

    def read(logits: Tensor) -> Tensor:
        return (logits[:, 0, 5] - logits[:, 1, 7]).tanh()

    def whole(logits: Tensor) -> Tensor:
        return read(logits[torch.arange(2)[:, None], places])

    given = model, nodes, TOKENS, OTHER
    few = Patching(*given, read, direction, places)
    all_of_it = Patching(*given, whole, direction)
    assert torch.allclose(few.before, all_of_it.before, atol=ROUNDING)
    for found, want in (
        (few.nodes(), all_of_it.nodes()),
        (few.heads(), all_of_it.heads()),
        (few.edges([(0, 0), (2, -1)]), all_of_it.edges([(0, 0), (2, -1)])),
        *((few.places(site), all_of_it.places(site)) for site in ("resid_pre", "attn_out")),
    ):
        assert torch.allclose(found, want, atol=ROUNDING, equal_nan=True)
        assert found.nan_to_num().abs().max() > 1e-4
    assert not few.places("resid_pre")[..., :4].any()
