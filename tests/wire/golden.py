"""One exchange of every kind, as the kernel writes it; both suites read `tests/golden/wire.json`.

    python -m tests.wire.golden      writes the file again

The file is `{"requests": [...], "replies": {name: {content, buffer, expect}}, "traits": {...}}`.
`content` is the message as JSON, `buffer` its bytes in base64 (without the padding), and `expect`
what a reader has to find in it: plain numbers, made here without the code that packs them.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import torch

from circuit_widgets.attention.text import TextScores
from circuit_widgets.live.next_tokens import TopNext
from circuit_widgets.live.reading import Reading, Shares
from circuit_widgets.live.store import TensorStore
from circuit_widgets.prompts.tokens import Tokens
from circuit_widgets.results.score import Score
from circuit_widgets.widgets.heads_view import shared_controls
from circuit_widgets.widgets.score_planes import HeadScore, pack_scores
from circuit_widgets.wire import controls as c
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.pusher import SCORES

PATH = Path(__file__).parents[1] / "golden" / "wire.json"
STRINGS = ("<bos>", "<img src=x onerror=alert(1)>", "</script>", "مرحبا", "漢字", "👩‍👧\n")
N = len(STRINGS)
CLIENT = "view-golden"


def patterns() -> torch.Tensor:
    """[layer, head, query, key]: causal, rows of multiples of 1/16 that float32 holds exactly."""
    generator = torch.Generator().manual_seed(5)
    raw = torch.randint(0, 16, (2, 2, N, N), generator=generator).tril()
    return raw.float() / 16


def reading() -> Reading:
    """A run of two layers with two heads, by hand."""
    all_layers = patterns()
    store = TensorStore(2, 2, N, lambda layer: all_layers[layer], 2**20)
    for layer, pattern in enumerate(all_layers):
        store.add(layer, pattern)
    ids = torch.arange(N)[None]
    probabilities = torch.tensor([0.5, 0.25]).expand(N, 2).contiguous()
    actual = torch.full((N,), 0.125).log()
    expected = TopNext(torch.tensor([3, 1]).expand(N, 2).contiguous(), probabilities, actual)
    tokens = Tokens(ids, STRINGS, "".join(STRINGS[1:]), True)
    scores = TextScores(ids, 2, 2)
    shares = Shares(1, Score(torch.full((2, 2), torch.nan)), "")
    return Reading(4, tokens, store, expected, scores, shares, lambda id: STRINGS[id], 0.25)


def requests() -> list[m.Request]:
    """One of each kind, as a view sends them."""
    whole = (0, N, 0, N)
    return [
        m.Tiles(1, 4, [(0, 1)], [(1, 0)], "max", whole, 256),
        m.Tiles(2, 4, [(1, 1)], [], "mean", whole, 3),
        m.Cells(3, 4, (1, 0), (2, 3, 0, N)),
        m.Column(4, 4, (0, 0), 1),
        m.Next(5, 4, 2),
        m.Next(6, 4, N - 1),
        m.RunPrompt(7, "blue\ndog"),
        m.Stop(8),
        m.Cancel(9, 3),
        m.Hello(10, fill=False),
        m.Ack(11, 2),
        m.TryFix(12, 3, "1.mlp", "patch"),
        m.AddCase(13, "blue dog", "seven"),
    ]


def _body(request: Any) -> tuple[m.Body, bytes]:
    if isinstance(request, m.Tiles | m.Cells | m.Column | m.Next):
        return reading().answer(request)
    return m.DoneReply(), b""


def _expected(request: Any) -> Any:
    """What is in the answer, from the patterns themselves."""
    attention = patterns()
    match request:
        case m.Tiles(side=side) if side >= N:
            found = []
            for layer, head in [*request.heads, *request.also]:
                rows = attention[layer, head].clone()
                first, rows[:, 0] = rows[:, 0].clone(), 0
                found.append(
                    {"head": [layer, head], "cells": rows.tolist(), "first": first.tolist()}
                )
            return found
        case m.Cells(head=(layer, head)):
            return attention[layer, head].tolist()
        case m.Column(head=(layer, head), key=key):
            return attention[layer, head, :, key].tolist()
        case m.Next(position=position):
            follows = STRINGS[position + 1] if position + 1 < N else None
            return {"tokens": [STRINGS[3], STRINGS[1]], "actual": follows}
    return None


def _scores() -> tuple[m.ScoresInfo, bytes, Any]:
    value = torch.tensor([[0.5, float("nan")], [0.25, 1.0]])
    control = torch.tensor([[0.125, 0.0], [float("nan"), 0.0]])
    scores = [
        HeadScore("a", "A", "of a", "random tokens", "somebody 2022", value, 0.0625, control),
        HeadScore(
            *("b", "B", "of b", "this text", "somebody 2021", value - 0.5),
            low=value,
            high=value,
            interval="90 % interval",
        ),
    ]
    info, data = pack_scores(scores)
    planes = [value, control, value - 0.5, value, value]
    plain = [[None if v != v else v for v in plane.flatten().tolist()] for plane in planes]
    return info, data, plain


def _entry(content: Any, buffer: bytes, expect: Any) -> dict[str, Any]:
    return {
        "content": msgspec.to_builtins(content),
        "buffer": base64.b64encode(buffer).decode(),
        "expect": expect,
    }


def build() -> dict[str, Any]:
    """Everything, as it is in the file."""
    replies = {}
    for request in requests():
        if isinstance(request, m.Cancel | m.Ack):
            continue
        body, buffer = _body(request)
        content = m.Ok(CLIENT, request.id, 4, body)
        replies[str(request.id)] = _entry(content, buffer, _expected(request))
    replies["refused"] = _entry(m.Fail(CLIENT, 3, "stale", "the prompt has changed"), b"", None)
    info, data, planes = _scores()
    push = m.Push(2, 5, m.Status("running", "Scoring heads", 3, 8), info, None, [SCORES])
    replies["push"] = _entry(push, data, planes)
    made = reading()
    picture, picture_data = made.picture(0, 1, 2, "max")
    run = m.Run(4, "golden", 2, 2, list(STRINGS), made.tokens.text, [], True, made.seconds, True)
    traits = {
        "runs": msgspec.to_builtins(m.Runs(4, [run])),
        "version": 3,
        "status": msgspec.to_builtins(m.Status("partial", "partial: 3 of 8 sequences", 3, 8)),
        "scores": msgspec.to_builtins(info),
        "score_data": base64.b64encode(data).decode(),
        "picture": msgspec.to_builtins(picture),
        "picture_data": base64.b64encode(picture_data).decode(),
        "selected_head": msgspec.to_builtins(m.SelectedHead(0, 1)),
        "selected_cell": msgspec.to_builtins(m.SelectedCell(2, None)),
        "selected_edge": msgspec.to_builtins(m.SelectedEdge((0, 0), (1, 1), "view-x", 7)),
        "controls": msgspec.to_builtins(shared_controls([], "a")),
        "param_values": msgspec.to_builtins(c.ParamValues({"score": "a"}, "view-x", 2)),
        "frame": msgspec.to_builtins(c.Frame(None, ["text"], "A title", None)),
    }
    batch = m.Batch(CLIENT, requests())
    return {"requests": msgspec.to_builtins(batch), "replies": replies, "traits": traits}


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(json.dumps(build(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
