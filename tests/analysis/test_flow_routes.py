"""trace_information_flow on circuits whose routes are known, and against plain passes."""

from __future__ import annotations

import itertools
import math
import random

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.analysis.flow.routes import flow, key_paths, rollout
from circuit_widgets.analysis.flow.trace import trace_information_flow
from circuit_widgets.analysis.influence.compute import compute_self_influence
from tests import tiny
from tests.circuits import At, Circuit, build

SMALL = Circuit(2, 2, (0, 0), (1, 1))
KINDS = ("previous", "current", "duplicate", "uniform")


def planted(seed: int) -> tuple[Circuit, list[int], int]:
    """A circuit at random places among heads that look and say nothing; `A B .. A`; where A is."""
    rng = random.Random(seed)
    layers, heads = rng.randint(2, 4), rng.randint(1, 3)
    first, second = sorted(rng.sample(range(layers), 2))
    previous: At = (first, rng.randrange(heads))
    induction: At = (second, rng.randrange(heads))
    others = tuple(
        ((layer, head), rng.choice(KINDS))
        for layer in range(layers)
        for head in range(heads)
        if (layer, head) not in (previous, induction)
    )
    circuit = Circuit(layers, heads, previous, induction, others, vocabulary=20, context=14)
    n = rng.randint(6, 12)
    tokens = rng.sample(range(circuit.vocabulary), n)
    at = rng.randint(0, n - 3)
    tokens[-1] = tokens[at]
    return circuit, tokens, at


def known_routes(n: int, at: int) -> torch.Tensor:
    """A stream has a token and a position (2), from `previous` on the token before it (1), and
    at the end what induction copied (1): shares of parts that do not overlap.
    """
    routes = torch.zeros(n)
    # What is read: three quarters its own stream, one what stood after A. Before that each stream
    # was one third the token before it.
    for node, share in ((n - 1, 3 / 4), (at + 1, 1 / 4)):
        routes[node] += share * 2 / 3
        routes[node - 1] += share * 1 / 3
    return routes


def test_planted_routes_paths_and_knockouts() -> None:
    """30 circuits: exact routes, the two-head path, and only the copied token is confirmed."""
    right = listed = 0
    for seed in range(30):
        circuit, tokens, at = planted(seed)
        n, source = len(tokens), at + 1
        # More paths than sources: also the second best of one, if B stands right before the query.
        result = trace_information_flow(
            build(circuit), tokens, renormalise=False, paths=20, seed=seed, progress=False
        )
        assert result.target == tokens[source]
        torch.testing.assert_close(result.routes, known_routes(n, at), atol=1e-5, rtol=0)
        elsewhere = 1 - float(result.routes[-1])
        assert float(result.self_influence_score) == pytest.approx(elsewhere)

        # The previous-token head takes A to where B stands, the induction head takes that here.
        moves = {
            tuple(step for step in path.steps if step[1] != step[2]): path.weight
            for path in result.key_paths
        }
        (first, head_1), (second, head_2) = circuit.previous, circuit.induction
        two = ((first, at, source, head_1), (second, source, n - 1, head_2))
        assert moves[two] == pytest.approx(1 / 12, abs=1e-5)
        assert moves[two[1:]] == pytest.approx(1 / 6, abs=1e-5)
        assert moves[()] == pytest.approx(1 / 2, abs=1e-5)
        assert moves[((first, n - 2, n - 1, head_1),)] == pytest.approx(1 / 4, abs=1e-5)
        assert len(moves) == 4
        assert set(result.heads[second, n - 1, [source]].tolist()) == {head_2}

        # Without it every token is as likely; with it grown back, each later position says its own.
        clean = circuit.gain - math.log(math.exp(circuit.gain) + circuit.vocabulary - 1)
        expected = clean + math.log(circuit.vocabulary)
        assert float(result.knockout.value[source]) == pytest.approx(expected, abs=1e-3)
        rest = [key for key in range(1, n) if key != source]
        logits = torch.zeros(circuit.vocabulary)
        for key in rest:
            logits[tokens[key]] += circuit.gain / len(rest)
        grown = clean - float(logits.log_softmax(-1)[result.target])
        # Right before the query it is what the previous-token head looks at, too: that one then
        # looks elsewhere.
        if source < n - 2:
            assert float(result.knockout_other[source]) == pytest.approx(grown, abs=2e-3)
        run = result.knockout.value.isfinite()
        run[source] = False
        assert float(result.knockout.value[run].abs().max()) < 1e-4
        assert result.information_sources[0].position == source
        # Only the layer of the induction head needs it.
        assert result.strongest_window(source)[0] == (second, second)
        others = result.knockout_by_window[:, source].clone()
        others[second] = 0
        assert float(others.abs().max()) < 1e-3 or source == n - 2
        confirmed = {at.position for at in result.information_sources if at.confirmed}
        listed, right = listed + len(confirmed), right + (source in confirmed)
    print(f"precision {right / listed:.3f}, recall {right / 30:.3f}")
    assert right == listed == 30


def test_every_way_of_asking_finds_the_same_source() -> None:
    circuit, tokens, at = planted(3)
    model = build(circuit)
    routes = trace_information_flow(model, tokens, progress=False)
    effects = compute_self_influence(model, tokens, progress=False)
    source = at + 1
    assert source in {position for position, *_ in effects.sources(3)}
    assert float(effects.kl.value[source]) > 1
    assert source in routes.routes.topk(4).indices.tolist()
    assert int(routes.knockout.value.nan_to_num(0).argmax()) == source
    # Rollout spreads over whatever heads look at, and knows nothing of what they say.
    assert float(routes.rollout[source]) < float(routes.routes[source])


def recomputed(
    model, ids: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, dict[tuple[int, int, int, int], float]]:
    """Contributions, strongest heads and the part of each, one part at a time."""
    with torch.no_grad():
        _, cache = model.run_with_cache(ids[None])
    n, n_layers = len(ids), model.cfg.n_layers
    shares = torch.full((n_layers, n, n), math.nan)
    heads = torch.full((n_layers, n, n), -1)
    parts: dict[tuple[int, int, int, int], float] = {}
    for layer in range(n_layers):
        block = f"blocks.{layer}"
        pattern = cache[f"{block}.attn.hook_pattern"][0]
        value = cache[f"{block}.attn.hook_v"][0]
        before = cache[f"{block}.hook_resid_pre"][0]
        w_o = model.blocks[layer].attn.W_O.detach()
        n_heads = len(pattern)
        group = n_heads // value.shape[1]
        parallel = bool(model.cfg.parallel_attn_mlp)
        after = cache[f"{block}.hook_resid_post"][0]
        mlp = cache[f"{block}.hook_mlp_out"][0]
        for q in range(n) if layer < n_layers - 1 else [n - 1]:
            total = after[q] if parallel else after[q] - mlp[q]
            row = torch.zeros(n_heads, n)
            for h, k in itertools.product(range(n_heads), range(q + 1)):
                part = pattern[h, q, k] * (value[k, h // group] @ w_o[h])
                row[h, k] = max(0.0, float(total.abs().sum() - (total - part).abs().sum()))
            own = max(0.0, float(total.abs().sum() - (total - before[q]).abs().sum()))
            if parallel:
                own += max(0.0, float(total.abs().sum() - (total - mlp[q]).abs().sum()))
            summed = row.sum(0)
            summed[q] += own
            shares[layer, q] = summed / summed.sum()
            for h, k in itertools.product(range(n_heads), range(q + 1)):
                parts[layer, h, q, k] = float(row[h, k] / summed.sum())
            for k in range(q + 1):
                if row[:, k].max() > (own if k == q else 0):
                    heads[layer, q, k] = int(row[:, k].argmax())
    return shares, heads, parts


@pytest.mark.parametrize("name", tiny.MAKERS)
def test_agrees_with_parts_one_by_one(name: str) -> None:
    """Each architecture: contributions part by part, knockouts by `capture.knock_out`."""
    model, ids = tiny.make(name), tiny.ids(6, seed=2)[0]
    result = trace_information_flow(model, ids, window=(1, 2), paths=3, sweep=2, progress=False)
    shares, heads, parts = recomputed(model, ids)
    torch.testing.assert_close(result.contributions, shares, atol=1e-4, rtol=1e-3, equal_nan=True)
    clear = (shares > 1e-3) & shares.isfinite()
    assert torch.equal(result.heads[clear], heads[clear])
    # Every head has its part of an edge, and with the residual stream they are all of it.
    kept = {
        tuple(at): part
        for at, part in zip(result.part_places.tolist(), result.parts.tolist(), strict=True)
    }
    for at, part in parts.items():
        if abs(part - 0.005) > 1e-4:
            assert kept.get(at, 0.0) == pytest.approx(part if part > 0.005 else 0, abs=1e-4)
    edges = result.edges(1e-6)
    whole = edges.groupby(["layer", "source", "query"]).agg({"flow": "sum", "edge": "first"})
    torch.testing.assert_close(
        torch.tensor(whole["flow"].to_numpy()),
        torch.tensor(whole["edge"].to_numpy()),
        atol=1e-4,
        rtol=0,
    )
    assert edges["flow"].sum() == pytest.approx(model.cfg.n_layers, abs=1e-2)
    rows = shares[:-1].sum(-1)
    torch.testing.assert_close(rows, torch.ones_like(rows), atol=1e-4, rtol=0)
    assert float(result.routes.sum()) == pytest.approx(1, abs=1e-5)

    clean = capture.run(model, ids[None])[0, -1].log_softmax(-1)[result.target]
    for renormalise, effects in ((True, result.knockout.value), (False, result.knockout_other)):
        assert effects.isnan().tolist() == [False] * 5 + [True]
        for source in range(5):
            cut = capture.knock_out([1, 2], 5, source, renormalise=renormalise)
            logits = capture.run(model, ids[None], interventions=[cut])
            lost = clean - logits[0, -1].log_softmax(-1)[result.target]
            assert float(effects[source]) == pytest.approx(float(lost), abs=2e-3)
    assert result.windows == tuple((at, at + 1) for at in range(model.cfg.n_layers - 1))
    swept = result.knockout_by_window
    torch.testing.assert_close(swept[1], result.knockout.value, atol=2e-3, rtol=0, equal_nan=True)


@pytest.mark.parametrize("name", ["gpt2", "native"])
def test_a_position_in_the_middle_reads_nothing_later(name: str) -> None:
    model, ids = tiny.make(name), tiny.ids(9)[0]
    whole = trace_information_flow(model, ids, 5, progress=False)
    alone = trace_information_flow(model, ids[:6], target=int(ids[6]), progress=False)
    assert whole.target == alone.target == int(ids[6])
    torch.testing.assert_close(whole.routes[:6], alone.routes)
    assert whole.routes[6:].isnan().all() and whole.contributions[:, 6:].isnan().all()
    assert (whole.contributions[:-1, :6, 6:] == 0).all()
    torch.testing.assert_close(whole.contributions[:, :6, :6], alone.contributions, equal_nan=True)
    assert whole.key_paths == alone.key_paths


def random_layers(n_layers: int, n: int, seed: int) -> torch.Tensor:
    """Causal, rows that sum to 1, and some edges that are not there."""
    generator = torch.Generator().manual_seed(seed)
    layers = torch.rand(n_layers, n, n, generator=generator).square().tril()
    layers = layers * (torch.rand(layers.shape, generator=generator) > 0.3)
    layers = layers + torch.eye(n) * 0.1
    return layers / layers.sum(-1, keepdim=True)


def all_paths(layers: torch.Tensor, position: int) -> dict[tuple[int, ...], float]:
    """Every way up, by the nodes it goes through, with the product of its weights."""
    found = {}
    for nodes in itertools.product(range(position + 1), repeat=len(layers)):
        way = (*nodes, position)
        weight = math.prod(
            float(layer[query, key])
            for layer, key, query in zip(layers, way, way[1:], strict=False)
        )
        if weight > 0:
            found[way] = weight
    return found


@pytest.mark.parametrize("seed", range(8))
def test_paths_and_flow_against_every_path_there_is(seed: int) -> None:
    n = 4 + seed % 2
    layers = random_layers(4, n, seed)
    position = n - 1 - (seed % 3 == 0)
    heads = torch.arange(layers.numel()).view_as(layers).long()
    ways = all_paths(layers, position)
    by_source = [sum(w for way, w in ways.items() if way[0] == s) for s in range(n)]
    torch.testing.assert_close(flow(layers, position), torch.tensor(by_source), atol=1e-5, rtol=0)

    for count in (2, 30):
        found = key_paths(layers, heads, position, count)
        nodes = [(path.steps[0][1], *(step[2] for step in path.steps)) for path in found]
        assert len(set(nodes)) == len(nodes), "each once"
        for path, way in zip(found, nodes, strict=True):
            assert path.weight == pytest.approx(ways[way], rel=1e-4)
            for layer, (at, key, query, head) in enumerate(path.steps):
                assert at == layer and head == int(heads[layer, query, key])
        best: dict[int, float] = {}
        for way, weight in ways.items():
            best[way[0]] = max(weight, best.get(way[0], 0))
        firsts = sorted(best.values(), reverse=True)
        got = [path.weight for path in found]
        assert got[: len(firsts)] == pytest.approx(firsts[:count], rel=1e-4)
        # The rest are the next best of all.
        left = sorted(ways.values(), reverse=True)
        for weight in firsts:
            left.remove(weight)
        assert got[len(firsts) :] == pytest.approx(left[: max(0, len(got) - len(firsts))], rel=1e-4)
        assert len(found) == min(count, len(ways))


def test_rollout_by_hand() -> None:
    attention = torch.tensor([[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.2, 0.2]]])
    # Layer 0: [1, 0], [.25, .75]; layer 1, scaled up to [.5, .5]: [.25, .75].
    expected = [0.25 + 0.75 * 0.25, 0.75 * 0.75]
    assert rollout(attention, 1).tolist() == pytest.approx(expected)
