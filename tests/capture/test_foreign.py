"""Hooks of the user's own run in every pass, are named, and are not blamed on the architecture."""

from __future__ import annotations

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.capture import editable
from tests import tiny

AT = "blocks.0.hook_out"


@pytest.fixture(params=["llama", "gpt2", "native"])
def model(request):
    made = tiny.make(request.param)
    made.add_hook(AT, lambda tensor, hook: tensor + tensor.roll(1, -1))
    return made


def test_they_are_named_and_those_of_a_pass_are_not(model) -> None:
    named = []

    class Names:
        site, layers = "z", frozenset({1})

        def see(self, layer, tensor):
            named.append(capture.foreign_hooks(model))

    capture.run(model, tiny.ids(), [Names()])
    model.add_hook(AT, lambda tensor, hook: tensor)
    assert named == [(AT,)]
    assert capture.foreign_hooks(model) == (f"{AT} (2 hooks)",)
    model.reset_hooks()
    assert capture.foreign_hooks(model) == ()


def test_a_resumed_run_is_the_run_with_them(model) -> None:
    inputs, ids = capture.BlockInputs(), tiny.ids()
    logits = capture.run(model, ids, [inputs])
    edit = capture.ablate("2.1", by="zero")
    assert torch.equal(capture.resume(model, inputs, 2), logits)
    expected = capture.run(model, ids, interventions=[edit])
    assert torch.equal(capture.resume(model, inputs, 2, interventions=[edit]), expected)
    plain = capture.BlockInputs()
    model.reset_hooks()
    assert not torch.equal(capture.run(model, ids, [plain]), logits)
    with capture.counting(model) as passes:
        capture.resume(model, plain, 2)
        capture.resume(model, plain, 2)
    assert passes.blocks < 10  # what was tried under hooks is not remembered


def test_positions_that_a_hook_counts_are_those_of_the_whole_prompt() -> None:
    model, ids = tiny.make("llama"), tiny.ids(8)

    def third(tensor, hook):
        tensor = tensor.clone()
        tensor[:, 3] = 0
        return tensor

    model.add_hook("blocks.1.attn.hook_z", third)
    prefix = capture.Prefix(model, ids)
    assert not prefix.shared
    assert torch.equal(prefix.run(6, ids[:, 6:]), capture.run(model, ids)[:, 6:])


def test_a_trial_of_the_architecture_does_not_run_them() -> None:
    model = tiny.make("llama")

    def at_ten(tensor, hook):
        return tensor + tensor[:, 10:11]

    model.add_hook("blocks.1.attn.hook_z", at_ten)
    assert editable.where_edited(model, 1) == "pattern"
    capture.run(model, tiny.ids(12), (), [capture.knock_out(1, None, 0, renormalise=True)])
    assert capture.foreign_hooks(model) == ("blocks.1.attn.hook_z",)


def test_a_result_names_them_in_its_text_its_file_and_its_view(tmp_path) -> None:
    model = cw.load_model()
    prompts = ["blue dog seven blue dog", "cat seven cat river dog"]
    asked = {"n_sequences": 2, "length": 6, "progress": False}
    plain = cw.detect_attention_patterns(model, prompts, **asked)
    model.add_hook(AT, lambda tensor, hook: 0.5 * tensor)
    found = cw.detect_attention_patterns(model, prompts, **asked)
    assert plain.provenance.hooks == () and found.provenance.hooks == (AT,)
    assert not torch.equal(found.scores()["entropy"].value, plain.scores()["entropy"].value)
    assert "own hooks" not in repr(plain)
    assert f"computed under your own hooks at {AT}" in repr(found)
    found.save(tmp_path / "found.safetensors")
    assert cw.load(tmp_path / "found.safetensors") == found
    view = found.view()
    assert view.runs["all"][0]["interventions"] == [AT]
    assert view.runs["all"][0]["live"]
    view.close()
    model.reset_hooks()
    # Attention of the model as it is now is not that of the result.
    view = found.view()
    assert not view.runs["all"][0]["live"]
    view.close()
    explorer = cw.explore(model, "blue dog")
    assert explorer.runs["all"][0]["interventions"] == []
    model.add_hook(AT, lambda tensor, hook: 0.5 * tensor)
    explorer.close()
    explorer = cw.explore(model, "blue dog seven")
    assert explorer.runs["all"][0]["interventions"] == [AT]
    explorer.close()


def test_what_they_break_is_not_the_architectures_fault() -> None:
    model = tiny.make("llama")
    at = "blocks.1.attn.hook_out"
    model.add_hook(at, lambda tensor, hook: tensor + tensor.roll(1, -1))
    with pytest.raises(RuntimeError, match=f"hooks of your own, at {at}, which may be why"):
        cw.trace_information_flow(model, tiny.ids(6), progress=False)
