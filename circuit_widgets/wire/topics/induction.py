"""What the views of induction are told: pairs of heads, and the trace of a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import AnyHead, Packed
from circuit_widgets.wire.topics.shared import interval


@dataclass(frozen=True)
class Mean:
    """A number of each head, and what it is compared with."""

    label: str
    unit: str
    value: Tensor
    low: Tensor
    high: Tensor
    null: Tensor
    null_label: str


def pairs_table(pairs: Sequence[object], which: str) -> Packed:
    """Previous-token heads, each with the induction head that may be made with it.

    `which`: what their intervals are.
    """

    def column(name: str) -> list[Any]:
        return [getattr(pair, name) for pair in pairs]

    return packing.table(
        "pairs",
        [
            packing.heads("sender", column("previous_token_head"), "previous-token head"),
            packing.heads("receiver", column("induction_head"), "induction head"),
            *(
                packing.numbers(
                    f"{letter}_z",
                    column(f"{letter}_z"),
                    f"{letter.upper()}-composition",
                    unit="z",
                    about="Composition of the weights, in standard deviations of random pairs",
                )
                for letter in "qkv"
            ),
            packing.numbers(
                "k_percentile",
                column("k_percentile"),
                "K-composition, percentile",
                unit="%",
                about="Of all other heads of earlier layers, how many in a hundred compose less "
                "with the same induction head",
            ),
            packing.numbers(
                "path",
                column("path"),
                "path effect",
                about="Fall of the induction head's prefix matching when only its key input from "
                "the previous-token head is replaced by the mean",
            ),
            *interval("path", column("path_low"), column("path_high"), which),
            packing.numbers(
                "path_share",
                column("path_share"),
                "share",
                about="The path effect as a share of the induction head's prefix matching",
            ),
            packing.numbers(
                "path_null",
                column("path_null"),
                "baseline",
                about="The same for random earlier heads",
                role="null",
                of="path",
            ),
            packing.numbers(
                "path_null_high",
                column("path_null_high"),
                "upper end of the baseline",
                role="null_high",
                of="path",
            ),
            packing.flags("confirmed", column("confirmed"), "confirmed"),
            packing.texts("why_not", column("why_not"), "why not"),
        ],
        title="Previous-token heads and the induction heads that use them",
        sort="path",
    )


def heads_table(name: str, heads: Sequence[AnyHead], title: str) -> Packed:
    """Heads, in their order."""
    return packing.table(name, [packing.heads("head", heads, "head")], title=title)


def repeats_table(trace: Mapping[str, Tensor], rows: Sequence[int]) -> Packed:
    """Positions whose token appeared earlier in the prompt, and what the model makes of it."""

    def column(name: str) -> list[Any]:
        return trace[name][list(rows)].tolist()

    return packing.table(
        "repeats",
        [
            packing.positions("position", rows, "position"),
            packing.positions("earlier", column("earlier"), "followed earlier by"),
            packing.numbers(
                "chance",
                column("chance"),
                "chance",
                about="Attention that a head would give if it attended equally everywhere",
                role="null",
            ),
            packing.numbers("probability", column("probability"), "probability"),
            packing.flags("predicted", column("predicted"), "predicted"),
            packing.flags("follows", column("follows"), "repeats here"),
        ],
        title="Repeated tokens",
    )


def means_table(
    name: str, heads: Sequence[AnyHead], numbers: Mapping[str, Mean], which: str, title: str
) -> Packed:
    """A row a head, with its means over prompts; `which` interval these have."""
    columns = [packing.heads("head", heads, "head")]
    for key, mean in numbers.items():
        columns += [
            packing.numbers(key, mean.value, mean.label, unit=mean.unit),
            *interval(key, mean.low.tolist(), mean.high.tolist(), which),
            packing.numbers(f"{key}_null", mean.null, mean.null_label, role="null", of=key),
        ]
    return packing.table(name, columns, title=title)


def prompts_table(
    texts: Sequence[str], repeats: Sequence[int], probability: Tensor, predicted: Tensor
) -> Packed:
    """A row a prompt."""
    return packing.table(
        "prompts",
        [
            packing.texts("text", texts, "prompt"),
            packing.whole("n", repeats, "repeated tokens"),
            packing.numbers("probability", probability, "probability"),
            packing.numbers("predicted", predicted, "predicted"),
        ],
        title="Prompts",
    )


def by_head(
    name: str, values: Tensor, rows: Sequence[int], heads: Sequence[AnyHead], title: str, unit: str
) -> Packed:
    """[repeat, head] of a trace's values [head, position]."""
    picked = values[:, list(rows)].T.float()
    finite = picked[picked.isfinite()]
    signed = bool((finite < 0).any())
    most = float(finite.abs().max()) if len(finite) else 1.0
    return packing.matrix(
        name,
        picked,
        packing.text_axis([str(row) for row in rows], "position"),
        packing.head_axis(heads, "head"),
        title=title,
        unit=unit,
        signed=signed,
        least=-most if signed else 0.0,
        most=most or 1.0,
    )
