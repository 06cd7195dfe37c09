"""What is called a source: nothing in untrained models, the planted and the known ones."""

from __future__ import annotations

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.analysis.flow.trace import Settings, trace_information_flow
from circuit_widgets.prompts.targets import Target
from circuit_widgets.statistics.as_likely import AsLikely
from tests import tiny
from tests.circuits import Circuit, build

TEXTS = 4


@pytest.mark.parametrize("name", tiny.MAKERS)
def test_an_untrained_model_has_no_source(name: str) -> None:
    """Weights so large that attention looks at few positions, and cutting one changes everything.

    The bound of tokens as likely holds by itself; that of other queries does not (in "native_gqa"
    it lets two sources through in each text), and says how much is usual in this text.
    """
    model, above = tiny.make(name), 0
    for seed in range(TEXTS):
        ids = tiny.ids(16, seed=seed)[0]
        likeliest = capture.run(model, ids[None])[0, -1].topk(2).indices.tolist()
        for target in (None, tuple(likeliest)):
            result = trace_information_flow(model, ids, target=target, sweep=0, progress=False)
            assert not any(at.confirmed for at in result.information_sources)
            bound = result.knockout.control_high
            assert bound is not None
            above += bool((result.knockout.value > bound.clamp_min(1e-3)).any())
    assert above <= 1


def test_tokens_as_likely_hold_the_likeliest_of_random_logits() -> None:
    """Of logits that a change replaces by others, and of ones that it moves a little."""
    generator = torch.Generator().manual_seed(0)
    found = torch.zeros(3)
    runs, changes = 120, 10
    for _ in range(runs):
        before = torch.randn(2, 300, generator=generator) * 4
        targets = [Target(int(row.argmax())) for row in before]
        pair = [Target(*row.topk(2).indices.tolist()) for row in before[:1]]
        kept = torch.rand(1, 1, 1, generator=generator)
        noise = torch.randn(2, changes, 300, generator=generator) * 4
        after = kept * before[:, None] + (1 - kept**2).sqrt() * noise
        falls = before.log_softmax(-1)[:, None] - after.log_softmax(-1)
        for at, asked in enumerate((targets[:1], pair, targets)):
            known = AsLikely(asked, before.log_softmax(-1), changes)
            for prompt in range(len(asked)):
                known.add(prompt, range(changes), falls[prompt][:, known.tokens(prompt)])
            found[at] += bool((known.falls.mean(0) > known.bound(0.95, changes)).any())
    assert (found / runs).max() < 0.1, found


def test_the_mean_of_prompts_is_held_against_the_mean_of_tokens() -> None:
    """What prompts have in common does not average away: the same fall twice is one fall."""
    generator = torch.Generator().manual_seed(1)
    before = (torch.randn(300, generator=generator) * 4).log_softmax(-1)
    falls = torch.randn(2, 300, generator=generator)
    bounds = []
    for n in (1, 2):
        known = AsLikely([Target(7)] * n, before.expand(n, -1), 2)
        for prompt in range(n):
            known.add(prompt, [0, 1], falls[:, known.tokens(prompt)])
        bounds.append(known.bound(0.95, 2))
    torch.testing.assert_close(bounds[0], bounds[1])


def test_the_mean_of_prompts_is_the_mean_of_each() -> None:
    model = tiny.make("llama")
    texts = tiny.ids(9, batch=3).tolist()
    targets = [(3, 5), (4, 3), (9, 8)]
    alone = [
        trace_information_flow(model, text, target=target, sweep=2, progress=False)
        for text, target in zip(texts, targets, strict=True)
    ]
    together = trace_information_flow(model, texts, target=targets, sweep=2, progress=False)
    for name in ("contributions", "routes", "rollout", "residual", "mlp", "knockout_other"):
        mean = torch.stack([getattr(each, name) for each in alone]).mean(0)
        torch.testing.assert_close(
            getattr(together, name), mean, rtol=1e-4, atol=1e-5, equal_nan=True
        )
    costs = torch.stack([each.knockout.value for each in alone])
    torch.testing.assert_close(
        together.knockout.value, costs.mean(0), rtol=1e-4, atol=1e-5, equal_nan=True
    )
    half = 4.302653 * costs.std(0) / 3**0.5
    assert together.knockout.low is not None and together.routes_between is not None
    torch.testing.assert_close(
        together.knockout.low, costs.mean(0) - half, rtol=1e-3, atol=1e-4, equal_nan=True
    )
    # What each is compared with leaves out the targets of the others.
    assert together.knockout.control is not None
    assert together.knockout.control.isnan().tolist() == [False] * 8 + [True]
    # Heads that carry an edge on average: with the residual stream they are all of it.
    edges = together.edges(0.05)
    assert edges["flow"].sum() <= model.cfg.n_layers + 1e-3
    swept = together.knockout_by_window.isfinite().all(0)
    assert int(swept.sum()) == 8
    assert together.n_prompts == 3 and [each.id for each in together.targets] == [3, 4, 9]
    assert "logit difference of the targets" in repr(together)
    assert "(mean of 3 prompts)" in repr(together) and "95 % interval" in repr(together)
    assert set(together.to_frame()["n"]) == {3}


def test_prompts_that_share_a_circuit_have_its_source(tmp_path) -> None:
    model = build(Circuit(2, 4, (0, 1), (1, 2)))
    prompts = [[1, 5, 7, 9, 11, 1], [2, 6, 8, 4, 10, 2], [3, 9, 5, 1, 8, 3]]
    result = trace_information_flow(model, prompts, renormalise=False, progress=False)
    assert [at.position for at in result.information_sources if at.confirmed] == [1]
    result.save(tmp_path / "flow.safetensors")
    loaded = cw.load(tmp_path / "flow.safetensors")
    assert loaded == result
    asked = loaded.provenance.settings(Settings)
    assert asked == result.provenance.settings(Settings) and asked.prompts == tuple(
        map(tuple, prompts)
    )
    again = trace_information_flow(
        model, asked.prompts, target=list(asked.target), renormalise=False, progress=False
    )
    assert again == result
    fewer = trace_information_flow(
        model, prompts[0], target=(5, 7), renormalise=False, progress=False
    )
    assert [at.position for at in fewer.information_sources if at.confirmed] == [1]
    assert fewer.unit == "logits" and "logit difference of '5' against '7'" in repr(fewer)


@pytest.mark.parametrize(
    ("prompts", "asked", "message"),
    [
        ([[1, 2, 3], [4, 5, 6, 7]], {}, "are read at positions 2, 3; accepted is one position"),
        (
            [[1, 2, 3], [4, 5, 6]],
            {"position": [1, 2]},
            "are read at positions 1, 2; accepted is one",
        ),
        ([[1, 2, 3], [4, 5, 6]], {"target": [1, (2, 3)]}, "some targets are pairs"),
        ([[1, 2, 3], [4, 5, 6]], {"target": [1, 2, 3]}, "there are 3 targets and 2 prompts"),
    ],
)
def test_what_has_no_mean_is_said_at_once(prompts, asked, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace_information_flow(tiny.make("native"), prompts, **asked)


@pytest.mark.smollm2
def test_the_name_that_is_given_to_is_a_source_in_smollm2(smollm2) -> None:
    text = "When Mary and John went to the store, John gave a drink to"
    for target in (None, (" Mary", " John")):
        flow = trace_information_flow(smollm2, text, target=target, sweep=0, progress=False)
        assert " Mary" in {at.token for at in flow.information_sources if at.confirmed}
