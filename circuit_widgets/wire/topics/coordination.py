"""What the view of coordination is told: a matrix over heads, and how pairs work together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import AnyHead, Packed
from circuit_widgets.wire.topics.shared import interval


def matrices(
    value: Tensor,
    q: Tensor,
    why: Tensor,
    heads: Sequence[AnyHead],
    order: Sequence[int],
    *,
    signed: bool,
) -> list[Packed]:
    """How related each two heads are, and how significant that is, in clustered order.

    why: which of the reasons (`reasons_table`) a pair has no q for; -1 is none.
    """
    at = torch.tensor(list(order), dtype=torch.long)
    axis = packing.head_axis([heads[i] for i in order], "head")
    least = -1.0 if signed else 0.0
    return [
        packing.matrix(
            "value",
            value[at][:, at],
            axis,
            axis,
            title="How related heads are",
            signed=signed,
            least=least,
        ),
        packing.matrix(
            "q",
            q[at][:, at],
            axis,
            axis,
            title="q value",
            about="Share of false discoveries among pairs that are at least as significant",
        ),
        packing.matrix("why", why[at][:, at], axis, axis, title="why there is no q"),
    ]


def reasons_table(reasons: Sequence[str]) -> Packed:
    """Why pairs have no q, by number."""
    return packing.table("reasons", [packing.texts("reason", list(reasons), "reason")], title="why")


def pairs_table(pairs: Sequence[object], which: str) -> Packed:
    """Pairs of heads that were tested by intervention; `which`: what their intervals are."""

    def column(name: str) -> list[Any]:
        return [getattr(pair, name) for pair in pairs]

    return packing.table(
        "pairs",
        [
            packing.heads("a", column("a"), "first head"),
            packing.heads("b", column("b"), "second head"),
            packing.texts("type", column("type"), "type"),
            packing.texts("sign", [sign or "" for sign in column("sign")], "sign"),
            packing.texts("reason", column("reason"), "why there is no type"),
            packing.texts("reader", [reader or "" for reader in column("reader")], "reader"),
            packing.numbers("reader_a", column("reader_a"), "path from the first to the reader"),
            packing.numbers("reader_b", column("reader_b"), "path from the second to the reader"),
            packing.numbers("value", column("value"), "value"),
            packing.numbers("q", column("q"), "q", role="q", of="value"),
            packing.numbers(
                "path",
                column("path"),
                "path",
                about="Fall of the metric when only the second head receives the first one's mean",
            ),
            *interval("path", column("path_low"), column("path_high"), which),
            packing.numbers("path_null_low", column("path_null_low"), "other paths, lower end"),
            packing.numbers(
                "path_null_high",
                column("path_null_high"),
                "upper end of the baseline",
                role="null_high",
                of="path",
            ),
            packing.numbers(
                "interaction",
                column("interaction"),
                "interaction",
                about="What both ablations together cost more than one by one",
            ),
            *interval("interaction", column("interaction_low"), column("interaction_high"), which),
            packing.numbers("effect_a", column("effect_a"), "without the first"),
            packing.numbers("effect_b", column("effect_b"), "without the second"),
            packing.numbers("effect_ab", column("effect_ab"), "without both"),
        ],
        title="How pairs work together",
        sort="value",
    )
