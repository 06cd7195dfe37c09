"""The wire is what the golden file says; the other suite reads the same file."""

from __future__ import annotations

import json

import msgspec

from circuit_widgets.wire import controls as c
from circuit_widgets.wire import messages as m
from tests.wire import golden

FILE = json.loads(golden.PATH.read_text(encoding="utf-8"))


def test_the_kernel_writes_what_the_file_holds():
    """After a change that is meant: `python -m tests.wire.golden`."""
    assert json.loads(json.dumps(golden.build())) == FILE


def test_requests_are_read_as_they_were_meant():
    assert msgspec.convert(FILE["requests"], m.Batch).requests == golden.requests()


def test_every_kind_of_request_is_in_the_file():
    kinds = {request["kind"] for request in FILE["requests"]["requests"]}
    assert kinds == {kind.__struct_config__.tag for kind in m.Request.__args__}


def test_traits_are_read_as_they_were_meant():
    kinds = {
        "runs": m.Runs,
        "status": m.Status,
        "scores": m.ScoresInfo,
        "picture": m.Picture,
        "selected_head": m.SelectedHead,
        "selected_cell": m.SelectedCell,
        "selected_edge": m.SelectedEdge,
        "param_values": c.ParamValues,
        "frame": c.Frame,
    }
    for name, kind in kinds.items():
        read = msgspec.convert(FILE["traits"][name], kind)
        assert json.loads(msgspec.json.encode(read)) == FILE["traits"][name]
