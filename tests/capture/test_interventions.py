"""Edits, against what the same change of the weights or of the scores gives."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.heads import Head
from tests import tiny


def scaled_weights(model, head: Head, factor: float, ids):
    """Logits with the head's part of W_O multiplied: no hook at work."""
    linear = model.blocks[head.layer].attn.o.original_component
    d_head = model.cfg.d_head
    part = slice(head.index * d_head, (head.index + 1) * d_head)
    weight = linear.weight.data
    # GPT-2's Conv1D has inputs in rows, others in columns.
    rows = weight[part] if type(linear).__name__ == "Conv1D" else weight[:, part]
    before = rows.clone()
    try:
        rows *= factor
        with torch.no_grad():
            return model(ids)
    finally:
        rows.copy_(before)


def kept(model, ids, site="z", edits=()):
    keep = capture.Keep(site)
    capture.run(model, ids, [keep], edits)
    return keep.tensors


@pytest.mark.parametrize("factor", [0.0, 2.0, -1.0])
def test_scale_is_what_scaled_weights_do(model, factor: float) -> None:
    ids = tiny.ids(8, batch=2)
    for head in (Head(0, 3), Head(2, 1)):
        out = capture.run(model, ids, (), [capture.scale(head, factor)])
        torch.testing.assert_close(out, scaled_weights(model, head, factor, ids))
    both = capture.run(model, ids, (), [capture.scale(["0.3", (0, 1)], factor)])
    one_by_one = [capture.scale("0.3", factor), capture.scale("0.1", factor)]
    assert torch.equal(both, capture.run(model, ids, (), one_by_one))
    assert torch.equal(
        capture.run(model, ids, (), [capture.scale("1.1", 1.0)]), capture.run(model, ids)
    )


def test_zero_ablation_is_scaling_by_zero(model) -> None:
    ids = tiny.ids(8)
    zero = capture.run(model, ids, (), [capture.ablate("1.2", by="zero")])
    torch.testing.assert_close(zero, scaled_weights(model, Head(1, 2), 0.0, ids))


def test_mean_ablation(model) -> None:
    ids = tiny.ids(8, batch=3)
    reference = kept(model, tiny.ids(8, batch=5, seed=1))
    plain = kept(model, ids)
    edited = kept(model, ids, edits=[capture.ablate(["1.2", "1.0"], reference=reference)])
    mean = reference[1].mean(0)
    for head in (0, 2):
        torch.testing.assert_close(edited[1][:, :, head], mean[:, head].expand(3, -1, -1))
    for head in (1, 3):
        assert torch.equal(edited[1][:, :, head], plain[1][:, :, head])
    assert torch.equal(edited[0], plain[0])
    assert not torch.equal(edited[2], plain[2])
    # Of the batch itself, and over positions too.
    own = kept(model, ids, edits=[capture.ablate("1.2")])
    torch.testing.assert_close(own[1][:, :, 2], plain[1].mean(0)[:, 2].expand(3, -1, -1))
    longer = kept(model, tiny.ids(12, batch=2, seed=2))
    flat = kept(model, ids, edits=[capture.ablate("1.2", reference=longer, per_position=False)])
    torch.testing.assert_close(flat[1][:, :, 2], longer[1].mean((0, 1))[2].expand(3, 8, -1))


def test_resample_ablation(native) -> None:
    ids = tiny.ids(8, batch=4)
    reference = kept(native, tiny.ids(8, batch=6, seed=1))
    plain = kept(native, ids)

    def edited(**settings):
        return kept(native, ids, edits=[capture.ablate("1.2", by="resample", **settings)])[1]

    own = edited()
    assert torch.equal(own[:, :, 2], plain[1][[1, 2, 3, 0], :, 2])
    drawn = edited(reference=reference)
    for row in drawn[:, :, 2]:
        assert any(torch.equal(row, other) for other in reference[1][:, :, 2])
    assert torch.equal(drawn, edited(reference=reference, seed=0))
    assert any(not torch.equal(drawn, edited(reference=reference, seed=s)) for s in (1, 2, 3))


def test_ablation_that_would_do_nothing_is_refused(native) -> None:
    one, reference = tiny.ids(8), kept(native, tiny.ids(6, batch=2))
    for by in ("mean", "resample"):
        with pytest.raises(ValueError, match="batch of one has no mean"):
            capture.run(native, one, (), [capture.ablate("1.2", by=by)])
        with pytest.raises(ValueError, match="reference has 6 positions and the run 8"):
            capture.run(native, one, (), [capture.ablate("1.2", by=by, reference=reference)])
    with pytest.raises(ValueError, match="reference has no layer 1"):
        capture.run(native, one, (), [capture.ablate("1.2", reference={0: reference[0]})])
    with pytest.raises(ValueError, match=r"shape \[2, 6, 4\]; accepted is \[batch, pos, 4, 8\]"):
        wrong = {1: reference[1][..., 0]}
        capture.run(native, one, (), [capture.ablate("1.2", reference=wrong)])
    with pytest.raises(ValueError, match="by is 'nothing'; accepted are 'mean'"):
        capture.ablate("1.2", by="nothing")  # type: ignore[arg-type]


def test_heads_that_are_not_there_are_refused(native) -> None:
    ids = tiny.ids(4)
    with pytest.raises(ValueError, match="no layer 3; accepted are layers 0 to 2"):
        capture.run(native, ids, (), [capture.scale("3.0", 0)])
    with pytest.raises(ValueError, match=r"no head 2\.4; accepted are layers from 0, heads 0 to 3"):
        capture.run(native, ids, (), [capture.scale("2.4", 0)])
    with pytest.raises(ValueError, match="not a head"):
        capture.scale("five", 0)
    with pytest.raises(TypeError):
        capture.scale(5, 0)  # type: ignore[arg-type]


def test_patching_a_whole_layer_gives_the_other_run(model) -> None:
    clean, corrupt = tiny.ids(8), tiny.ids(8, seed=1)
    keep = capture.Keep("resid_pre", {1})
    expected = capture.run(model, clean, [keep])
    patched = capture.run(model, corrupt, (), [capture.patch("resid_pre", keep.tensors)])
    assert torch.equal(patched, expected)


def test_patching_heads_and_positions(model) -> None:
    clean, corrupt = tiny.ids(8), tiny.ids(8, batch=2, seed=1)
    value, before = kept(model, clean), kept(model, corrupt)
    edit = capture.patch("z", value, heads=["1.0", "1.3"], positions=[2, 5])
    after = kept(model, corrupt, edits=[edit])[1]
    inside = torch.zeros(2, 8, tiny.N_HEADS, dtype=torch.bool)
    for position in (2, 5):
        for head in (0, 3):
            inside[:, position, head] = True
            for row in range(2):
                assert torch.equal(after[row, position, head], value[1][0, position, head])
    assert torch.equal(after[~inside], before[1][~inside])
    # Key/value heads by their own index; at a pattern, positions are queries.
    keys = kept(model, clean, "k")
    after = kept(model, corrupt, "k", [capture.patch("k", keys, heads=["1.0"])])[1]
    assert torch.equal(after[0, :, 0], keys[1][0, :, 0])
    patterns, before = kept(model, clean, "pattern"), kept(model, corrupt, "pattern")
    edit = capture.patch("pattern", {1: patterns[1]}, positions=slice(3, 5))
    after = kept(model, corrupt, "pattern", [edit])[1]
    assert torch.equal(after[1, :, 3:5], patterns[1][0, :, 3:5])
    assert torch.equal(after[:, :, 5:], before[1][:, :, 5:])


def test_a_patch_that_does_not_fit_is_refused(native) -> None:
    value = kept(native, tiny.ids(8))
    with pytest.raises(ValueError, match="the run has"):
        capture.run(native, tiny.ids(5), (), [capture.patch("z", value)])
    with pytest.raises(ValueError, match="no position 9; accepted are 0 to 7"):
        capture.run(native, tiny.ids(8), (), [capture.patch("z", value, positions=9)])
    with pytest.raises(ValueError, match="'resid_pre' has no heads"):
        capture.patch("resid_pre", value, heads="1.0")
    with pytest.raises(ValueError, match="no value for layer 1"):
        capture.patch("z", {0: value[0]}, heads="1.0")


def test_knock_out_renormalised_is_a_score_of_minus_infinity(model) -> None:
    ids = tiny.ids(8, batch=2)
    edit = capture.knock_out("1.2", [5, 6], [0, 4], renormalise=True)
    out = capture.run(model, ids, (), [edit])
    pattern, plain = kept(model, ids, "pattern", [edit])[1], kept(model, ids, "pattern")[1]
    assert pattern[:, 2, 5:7][:, :, [0, 4]].abs().max() == 0
    torch.testing.assert_close(pattern.sum(-1), plain.sum(-1))
    untouched = torch.ones_like(plain, dtype=torch.bool)
    untouched[:, 2, 5:7] = False
    assert torch.equal(pattern[untouched], plain[untouched])

    def cut(scores, hook):
        scores = scores.clone()
        for query in (5, 6):
            scores[:, 2, query, [0, 4]] = -torch.inf
        return scores

    if model.cfg.architecture == "TransformerLensNative":
        return  # its hook_attn_scores is the pattern after softmax
    with torch.no_grad():
        expected = model.run_with_hooks(ids, fwd_hooks=[("blocks.1.attn.hook_attn_scores", cut)])
    torch.testing.assert_close(out, expected)


def test_knock_out_without_renormalising_only_takes_away(model) -> None:
    ids = tiny.ids(8)
    plain = kept(model, ids, "pattern")
    edit = capture.knock_out([1, "2.0"], None, 3, renormalise=False)
    assert edit.layers == {1, 2}
    after = kept(model, ids, "pattern", [edit])
    expected = plain[1].clone()
    expected[..., 3] = 0
    assert torch.equal(after[1], expected)
    assert torch.equal(after[0], plain[0])
    assert after[2][:, 0, :, 3].abs().max() == 0 and after[2][:, 1, :, 3].max() > 0
    # What the edit took away is missing downstream.
    assert not torch.equal(capture.run(model, ids, (), [edit]), capture.run(model, ids))


def test_a_sink_in_the_softmax_grows_as_the_other_keys_do() -> None:
    model = tiny.gptoss()
    ids = tiny.ids(8)
    plain = kept(model, ids, "pattern")[1]
    assert plain.sum(-1).max() < 0.999
    edit = capture.knock_out(1, 6, [2, 3], renormalise=True)
    after = kept(model, ids, "pattern", [edit])[1]
    assert after[:, :, 6, 2:4].max() == 0
    lost = plain[:, :, 6, 2:4].sum(-1, keepdim=True)
    wanted = plain[:, :, 6].clone()
    wanted[..., 2:4] = 0
    torch.testing.assert_close(after[:, :, 6], wanted / (1 - lost))


def test_a_row_with_no_other_key_stays_zero(native) -> None:
    edit = capture.knock_out(0, 0, 0, renormalise=True)
    pattern = kept(native, tiny.ids(4), "pattern", [edit])[0]
    assert pattern[:, :, 0].abs().max() == 0
    assert pattern.isfinite().all()


def test_knock_out_says_which_positions_there_are(native) -> None:
    for queries, keys, name in ((9, 0, "query 9"), (0, [0, -1], "key -1")):
        edit = capture.knock_out(0, queries, keys, renormalise=False)
        with pytest.raises(ValueError, match=f"no {name}; accepted are 0 to 3"):
            capture.run(native, tiny.ids(4), (), [edit])


def test_a_layer_and_its_heads_are_told_apart() -> None:
    def layers(where):
        return capture.knock_out(where, None, 0, renormalise=False).layers

    assert layers(2) == {2}
    assert layers((2, 1)) == {2}  # a pair is a head
    assert layers([2, 1]) == {1, 2}  # a list of layers
    assert layers([2, "2.1", "0.1"]) == {0, 2}


def test_an_intervention_of_your_own(native) -> None:
    class Shift:
        site, layers = "resid_post", None

        def edit(self, layer: int, tensor: torch.Tensor) -> torch.Tensor:
            return tensor + layer

    keep = capture.Keep("resid_post")
    plain = kept(native, tiny.ids(4), "resid_post")
    capture.run(native, tiny.ids(4), [keep], [Shift()])
    assert torch.equal(keep.tensors[0], plain[0])
    torch.testing.assert_close(keep.tensors[1], plain[1] + 1)


def test_each_row_can_lose_a_key_of_its_own(model) -> None:
    ids = tiny.ids(6).repeat(4, 1)
    plain = kept(model, ids, "pattern")[1]
    edits = [
        capture.knock_out([1], slice(-1, None), [2, 4], rows=[1, 2], renormalise=False),
        capture.knock_out([1], slice(-1, None), [3], rows=[3], renormalise=True),
    ]
    cut = kept(model, ids, "pattern", edits)[1]
    assert torch.equal(cut[0], plain[0]) and torch.equal(cut[:, :, :-1], plain[:, :, :-1])
    for row, key in ((1, 2), (2, 4)):
        wanted = plain[row, :, -1].clone()
        wanted[:, key] = 0
        assert torch.equal(cut[row, :, -1], wanted)
    wanted = plain[3, :, -1].clone()
    wanted[:, 3] = 0
    wanted = wanted / wanted.sum(-1, keepdim=True) * plain[3, :, -1].sum(-1, keepdim=True)
    torch.testing.assert_close(cut[3, :, -1], wanted)
    with pytest.raises(ValueError, match="one key for each of 2 rows"):
        capture.knock_out([1], 0, [1], rows=[0, 1], renormalise=False)
    with pytest.raises(ValueError, match="there is no row 4"):
        beyond = capture.knock_out([1], 0, [1], rows=[4], renormalise=False)
        capture.run(model, ids, interventions=[beyond])


def test_an_ablation_by_given_z_is_a_patch_of_these_heads(model) -> None:
    ids = tiny.ids(5, batch=2)
    values = {1: torch.randn_like(kept(model, ids, "z")[1])}
    one = capture.run(model, ids, interventions=[capture.ablate(["1.0"], by=values)])
    two = capture.run(model, ids, interventions=[capture.patch("z", values, heads=["1.0"])])
    assert torch.equal(one, two)
    with pytest.raises(ValueError, match="no value for layer 2"):
        capture.ablate(["2.0"], by=values)
