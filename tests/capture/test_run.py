"""One pass: what reducers see, how it ends, what it leaves behind."""

from __future__ import annotations

import threading

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.capture.run import settings
from tests import tiny


class Boom(Exception):
    pass


class Fails:
    """A reducer that fails in one layer."""

    site = "pattern"

    def __init__(self, error: BaseException, layer: int = 1) -> None:
        self.error, self.layer = error, layer

    def see(self, layer: int, tensor: torch.Tensor) -> None:
        if layer == self.layer:
            raise self.error


def plain_cache(model, ids):
    """Without the keys and values that transformers would keep for later: copies of them lie
    otherwise in memory, and some processors multiply those with other roundings."""
    with torch.no_grad():
        return model.run_with_cache(ids, **settings(model))


def test_a_run_is_the_plain_pass_and_reducers_see_what_it_computes(model) -> None:
    ids = tiny.ids(8, batch=2)
    logits, cache = plain_cache(model, ids)
    sites = ["pattern", "z", "q", "k", "v", "resid_pre", "resid_post", "mlp.hook_out"]
    keeps = [capture.Keep(site) for site in sites]
    with capture.counting(model) as passes:
        out = capture.run(model, ids, keeps)
    assert passes.forwards == 1 and passes.blocks == tiny.N_LAYERS
    assert out is not None and torch.equal(out, logits) and not out.requires_grad
    for keep in keeps:
        assert list(keep.tensors) == list(range(tiny.N_LAYERS))
        for layer, tensor in keep.tensors.items():
            name = f"blocks.{layer}.attn.hook_{keep.site}"
            if keep.site.startswith(("resid", "mlp")):
                name = f"blocks.{layer}.{keep.site.replace('resid', 'hook_resid')}"
            assert torch.equal(tensor, cache[name]), (keep.site, layer)
            assert not tensor.requires_grad
    patterns, z, _, k, *_ = (keep.tensors[0] for keep in keeps)
    assert patterns.shape == (2, tiny.N_HEADS, 8, 8)
    assert z.shape[:3] == (2, 8, tiny.N_HEADS)
    assert k.shape[2] == (model.cfg.n_key_value_heads or tiny.N_HEADS)
    assert torch.equal(patterns, patterns.tril())


def test_without_logits_it_stops_before_the_unembedding(model) -> None:
    ids = tiny.ids(8)
    _, cache = plain_cache(model, ids)
    late: list[str] = []
    last = f"blocks.{tiny.N_LAYERS - 1}.hook_resid_post"
    handles = [
        module.register_forward_pre_hook(lambda *_: late.append("late"))
        for module in (model.unembed, model.ln_final)
    ]
    keep, layers = capture.Keep("resid_post"), []
    try:
        assert capture.run(model, ids, [keep], logits=False, on_layer=layers.append) is None
    finally:
        for handle in handles:
            handle.remove()
    assert late == []
    assert layers == list(range(tiny.N_LAYERS))
    assert torch.equal(keep.tensors[tiny.N_LAYERS - 1], cache[last])


def test_on_layer_comes_after_what_was_seen_in_the_layer(native) -> None:
    seen: list[tuple[str, int]] = []

    class Sees:
        def __init__(self, site: str) -> None:
            self.site = site

        def see(self, layer: int, tensor: torch.Tensor) -> None:
            seen.append((self.site, layer))

    capture.run(
        native,
        tiny.ids(4),
        [Sees("resid_post"), Sees("pattern")],
        on_layer=lambda layer: seen.append(("done", layer)),
    )
    one = ["pattern", "resid_post", "done"]
    assert seen == [(what, layer) for layer in range(tiny.N_LAYERS) for what in one]


@pytest.mark.parametrize("error", [Boom("x"), KeyboardInterrupt(), TypeError("t"), StopIteration()])
def test_whatever_ends_a_run_comes_out_unchanged_and_leaves_nothing(model, error) -> None:
    ids = tiny.ids(8)
    with pytest.raises(type(error)) as caught:
        capture.run(model, ids, [Fails(error), capture.BlockInputs()])
    assert caught.value is error

    def on_layer(layer: int) -> None:
        if layer == 1:
            raise error

    with capture.counting(model) as passes, pytest.raises(type(error)) as caught:
        capture.run(model, ids, on_layer=on_layer, logits=False)
    assert caught.value is error
    # It stops at once: layer 2 does not run. (And the fixture looks at hooks and logits.)
    assert passes.blocks == 2


def test_an_interrupt_between_putting_hooks_on(native, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the worst place: the library has the hook, and nobody has its handle yet."""
    from transformer_lens.hook_points import HookPoint

    def interrupted(self, hook, *args, **kwargs):
        self.register_forward_hook(lambda module, args, output: hook(output, hook=self))
        raise KeyboardInterrupt

    monkeypatch.setattr(HookPoint, "add_hook", interrupted)
    with pytest.raises(KeyboardInterrupt):
        capture.run(native, tiny.ids(4), [Fails(Boom(), 0)])
    monkeypatch.undo()
    try:
        native(tiny.ids(4))  # the hook that is left does nothing
    finally:
        native.blocks[0].attn.hook_pattern._forward_hooks.clear()


def test_hooks_of_the_user_stay_and_come_first(model) -> None:
    ids = tiny.ids(8)
    point = model.get_hook_point("blocks.1.attn.hook_z")
    model.add_hook("blocks.1.attn.hook_z", lambda z, hook: z * 2)
    model.add_perma_hook("blocks.1.attn.hook_pattern", lambda pattern, hook: None)
    try:
        with torch.no_grad():
            expected = model(ids)
        keep = capture.Keep("z", {1})
        out = capture.run(model, ids, [keep])
        with pytest.raises(Boom):
            capture.run(model, ids, [keep, Fails(Boom())])
        assert len(point.fwd_hooks) == 1
        assert len(model.blocks[1].attn.hook_pattern.fwd_hooks) == 1
        assert out is not None and torch.equal(out, expected)
        with torch.no_grad():
            assert torch.equal(model(ids), expected)
    finally:
        model.reset_hooks(including_permanent=True)
    fresh = capture.Keep("z", {1})
    capture.run(model, ids, [fresh])
    torch.testing.assert_close(keep.tensors[1], fresh.tensors[1] * 2)


def test_a_reducer_can_be_limited_to_layers(native) -> None:
    keep = capture.Keep("pattern", {2})
    capture.run(native, tiny.ids(4), [keep])
    assert list(keep.tensors) == [2]
    with pytest.raises(ValueError, match="no layer 3; accepted are layers 0 to 2"):
        capture.run(native, tiny.ids(4), [capture.Keep("pattern", {3})])


def test_wrong_calls_are_sentences(native) -> None:
    with pytest.raises(TypeError, match="accepted is an integer tensor"):
        capture.run(native, [1, 2])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="accepted is an integer tensor"):
        capture.run(native, torch.ones(1, 3))
    with pytest.raises(ValueError, match=r"shape \[3\]; accepted is \[batch, pos\]"):
        capture.run(native, torch.ones(3, dtype=torch.long))
    with pytest.raises(ValueError, match="no site 'patern'; it has pattern, z, q, k, v, resid_pre"):
        capture.run(native, tiny.ids(4), [capture.Keep("patern")])
    with pytest.raises(ValueError, match="use_attn_result is False"):
        capture.run(native, tiny.ids(4), [capture.Keep("result")])
    with pytest.raises(ValueError, match="no site 'resid_mid'"):
        capture.run(tiny.make("neox"), tiny.ids(4), [capture.Keep("resid_mid")])


def test_what_is_never_computed_is_an_error_not_a_silence() -> None:
    import transformers

    config = transformers.GPT2Config(n_layer=1, n_head=2, n_embd=8, vocab_size=97, n_positions=8)
    model = tiny.of_config(config)
    # A hook point that this attention has and does not go through.
    from transformer_lens.hook_points import HookPoint

    model.blocks[0].attn.hook_dead = HookPoint()
    with pytest.raises(RuntimeError, match="'dead' was never computed in layer 0"):
        capture.run(model, tiny.ids(4), [capture.Keep("dead")])


def test_a_run_inside_a_run_is_refused(native) -> None:
    class Again:
        site = "pattern"

        def see(self, layer: int, tensor: torch.Tensor) -> None:
            capture.run(native, tiny.ids(4))

    with pytest.raises(RuntimeError, match="has run the model that is being run"):
        capture.run(native, tiny.ids(4), [Again()])
    capture.run(native, tiny.ids(4))


def test_threads_do_not_spoil_each_other(llama) -> None:
    inputs = [tiny.ids(n, seed=n) for n in (5, 9)]
    edits = [capture.scale("1.0", 3.0), capture.ablate("0.2", by="zero")]
    alone = []
    for ids, edit in zip(inputs, edits, strict=True):
        keep = capture.Keep("pattern")
        alone.append((capture.run(llama, ids, [keep], [edit]), keep.tensors))
    wrong: list[str] = []

    def work(i: int) -> None:
        try:
            for _ in range(25):
                keep, kept = capture.Keep("pattern"), capture.BlockInputs()
                logits = capture.run(llama, inputs[i], [keep, kept], [edits[i]])
                same = torch.equal(logits, alone[i][0]) and all(
                    torch.equal(tensor, alone[i][1][layer])
                    for layer, tensor in keep.tensors.items()
                )
                again = capture.replay_pattern(llama, kept, 2)
                if not (same and torch.equal(again, alone[i][1][2])):
                    wrong.append(f"thread {i}")
        except BaseException as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=work, args=(i,)) for i in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_gradients_are_off_even_where_they_are_on(native) -> None:
    with torch.enable_grad():
        out = capture.run(native, tiny.ids(4))
    assert out is not None and out.grad_fn is None


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype: torch.dtype) -> None:
    model = tiny.make("llama").to(dtype)
    keep, inputs = capture.Keep("pattern"), capture.BlockInputs()
    out = capture.run(
        model,
        tiny.ids(6),
        [keep, inputs],
        [capture.knock_out(1, None, 0, renormalise=True), capture.scale("0.1", 2.0)],
    )
    assert out is not None and out.dtype == dtype
    assert keep.tensors[0].dtype == dtype
    assert torch.equal(capture.replay_pattern(model, inputs, 1), keep.tensors[1])


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU")
def test_on_a_gpu() -> None:
    model = tiny.make("llama").to("cuda")
    keep, inputs = capture.Keep("pattern"), capture.BlockInputs()
    reference = capture.Keep("z")
    capture.run(model, tiny.ids(6, batch=3), [reference])
    edits = [
        capture.ablate("0.1", reference=reference.tensors),
        capture.ablate("0.2", by="resample", reference=reference.tensors),
        capture.knock_out("1.0", 3, [0, 1], renormalise=True),
    ]
    # Tokens on the CPU go where the model is.
    out = capture.run(model, tiny.ids(6), [keep, inputs], edits)
    assert out is not None and out.is_cuda and keep.tensors[1].is_cuda
    for layer, pattern in keep.tensors.items():
        assert torch.equal(capture.replay_pattern(model, inputs, layer), pattern)
