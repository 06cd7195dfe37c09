"""analyze_head_coordination finds planted pairs and says how they work together."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets import models
from circuit_widgets.analysis.coordination.analyze import analyze_head_coordination
from circuit_widgets.analysis.coordination.pairs import judge
from circuit_widgets.analysis.coordination.results import CoordinatedPair
from circuit_widgets.heads import Head
from tests.circuits import Circuit, Kind, build


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tiny models: threads that wait for each other would take most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# --- planted pairs ---


@dataclasses.dataclass
class Planted:
    model: TransformerBridge
    prompts: list[list[int]]
    a: Head
    b: Head
    metric: object = None


def plant(kind: str, seed: int) -> Planted:
    """A pair of known type at random places, among heads that write a little noise.

    - serial: a previous-token head and an induction head that reads it; prompts that repeat.
    - aggregation: two heads that both say "the same token again", which half of the prompts do; the
      logp of the next token is about as good with one of them.
    - parallel: one says "the same token again", one "the token before again", and the metric adds
      their logits: neither knows the other.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (1,), generator=generator))

    n_layers, n_heads, v, n = draw(2, 3), draw(2, 4), 20, 14
    a = Head(draw(0, n_layers - 2), draw(0, n_heads - 1))
    b = Head(draw(a.layer + 1, n_layers - 1), draw(0, n_heads - 1))
    if kind != "serial" and draw(0, 1):
        b = Head(a.layer, (a.index + 1) % n_heads)
        a, b = min(a, b), max(a, b)
    looks: dict[str, tuple[Kind, Kind]] = {
        "serial": ("previous", "induction"),
        "aggregation": ("current", "current"),
        "parallel": ("current", "previous"),
    }
    places = {(a.layer, a.index): looks[kind][0], (b.layer, b.index): looks[kind][1]}
    free = [(i, j) for i in range(n_layers) for j in range(n_heads) if (i, j) not in places]
    others: list[Kind] = ["previous", "current", "uniform"]
    kinds = places | {at: others[draw(0, 2)] for at in free}
    circuit = Circuit(
        n_layers,
        n_heads,
        # Circuit wants both; these places are none.
        (a.layer, a.index) if kind == "serial" else (-2, 0),
        (b.layer, b.index) if kind == "serial" else (-1, 0),
        tuple(kinds.items()),
        vocabulary=v,
        context=16,
        gain={"serial": 8.0, "aggregation": 6.0, "parallel": 1.0}[kind],
    )
    model = build(circuit)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    d_head, token, output = v + 17, slice(0, v), slice(2 * v + 16, 3 * v + 16)
    for layer in range(n_layers):
        attn = f"blocks.{layer}.attn"
        # Steep enough to look at one token, and not so steep that gradients vanish.
        weights[f"{attn}.q.weight"] *= 8 / 60
        weights[f"{attn}.q.bias"] *= 8 / 60
        for head in range(n_heads):
            rows = slice(head * d_head, head * d_head + v)
            if (layer, head) not in places:
                noise = 0.05 * torch.randn(2, v, v, generator=generator)
                weights[f"{attn}.v.weight"][rows, token] = torch.eye(v) + noise[0]
                weights[f"{attn}.o.weight"][output, rows] = noise[1]
            elif kind != "serial":
                weights[f"{attn}.v.weight"][rows, token] = torch.eye(v)
                weights[f"{attn}.o.weight"][output, rows] = torch.eye(v)
    model.load_state_dict(weights)
    prompts = []
    for at in range(40):
        ids = torch.randperm(v, generator=generator)[:n]
        period = {"serial": draw(2, 3), "aggregation": 1, "parallel": 1}[kind]
        prompts.append((ids[:period].repeat(n)[:n] if at % 2 else ids).tolist())

    def added(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return logits[:, :-1].gather(-1, tokens[:, 1:, None])[:, :, 0].mean(1)

    return Planted(model, prompts, a, b, added if kind == "parallel" else None)


def test_planted_pairs_are_found_and_typed() -> None:
    """60 plantings among 4 to 12 heads: recall of the pair, and what its type is taken for."""
    n = {"serial": 24, "aggregation": 18, "parallel": 18}
    typed: Counter[tuple[str, str]] = Counter()
    found = strongest = elsewhere = 0
    for kind, times in n.items():
        for seed in range(times):
            planted = plant(kind, seed)
            result = analyze_head_coordination(
                planted.model,
                planted.prompts,
                metric=planted.metric,
                n_permutations=100,
                pairs=3,
                batch=40,
                progress=False,
            )
            best = [(a, b) for a, b, _, _ in result.significant()]
            found += (planted.a, planted.b) in best
            strongest += best[:1] == [(planted.a, planted.b)]
            for pair in result.pairs:
                if (pair.a, pair.b) == (str(planted.a), str(planted.b)):
                    typed[kind, pair.type] += 1
                    if kind == "serial":
                        assert pair.sign == "synergy"
                        # The planted head has no other way to be heard.
                        assert pair.path == pytest.approx(pair.effect_a, rel=0.05)
                    elif kind == "aggregation":
                        assert pair.sign == "redundancy"
                    else:
                        assert abs(pair.interaction) < 1e-5
                else:
                    elsewhere += pair.type == "serial"
    total = sum(n.values())
    print(f"significant {found}, strongest {strongest} of {total}")
    print(f"types (planted, found) {dict(typed)}; paths elsewhere {elsewhere}")
    assert found >= 0.95 * total and strongest >= 0.85 * total
    # What was typed was typed right: precision is 1 for every type.
    assert all(kind == taken for kind, taken in typed) and elsewhere == 0
    assert sum(typed.values()) >= 0.95 * total


def test_the_shipped_toy_has_its_path() -> None:
    model = models.load_model()
    generator = torch.Generator().manual_seed(0)
    n_vocab = int(model.cfg.d_vocab)
    prompts = []
    for _ in range(12):
        ids = torch.randint(5, n_vocab, (10,), generator=generator)
        prompts.append(ids.repeat(2).tolist())
    result = analyze_head_coordination(
        model, prompts, fdr=0.999, pairs=28, n_permutations=50, progress=False
    )
    serial = {(pair.a, pair.b) for pair in result.pairs if pair.type == "serial"}
    # 0.1 is its previous-token head, and the heads of layer 1 are what induction is made with.
    assert ("0.1", "1.2") in serial and {a for a, _ in serial} == {"0.1"}


# --- types by evidence alone ---


def evidence(**numbers: float | None) -> CoordinatedPair:
    pair = dict.fromkeys(field.name for field in dataclasses.fields(CoordinatedPair))
    for name in ("path", "interaction", "effect_a", "effect_b", "contribution_a", "contribution_b"):
        value = numbers.pop(name, 0.0)
        half = 0.1
        pair[name] = value
        pair[f"{name}_low"] = None if value is None else value - half
        pair[f"{name}_high"] = None if value is None else value + half
    pair |= {"path_null_low": -0.2, "path_null_high": 0.2}
    return CoordinatedPair(**(pair | numbers))


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"path": 0.5}, ("serial", None)),
        ({"path": -0.5, "interaction": -1.0}, ("serial", "synergy")),
        ({"path": 0.15}, ("parallel", None)),
        ({"path": 0.15, "path_null_low": None, "path_null_high": None}, ("serial", None)),
        ({"path": 0.05, "path_null_low": None, "path_null_high": None}, ("parallel", None)),
        ({"path": None}, ("parallel", None)),
        ({"path": None, "interaction": 1.0}, ("not resolved", "redundancy")),
        ({"interaction": 1.0, "contribution_a": 1.0}, ("not resolved", "redundancy")),
        (
            {"interaction": 1.0, "contribution_a": 1.0, "effect_b": -1.0},
            ("aggregation", "redundancy"),
        ),
        ({"interaction_low": None, "interaction_high": None}, ("not resolved", None)),
        ({"path": 0.5, "path_low": None, "path_high": None}, ("not resolved", None)),
    ],
)
def test_a_type_is_what_the_evidence_allows(numbers: dict, expected: tuple) -> None:
    judged = judge(evidence(**numbers))
    assert (judged.type, judged.sign) == expected


def test_rounding_is_no_effect() -> None:
    judged = judge(evidence(path=None, interaction=0.5), rounding=1.0)
    assert (judged.type, judged.sign) == ("parallel", None)
