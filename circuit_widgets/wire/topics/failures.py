"""What the failure browser is told: cases, the parts that are out of line, fixes, and the texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from circuit_widgets.wire import packing
from circuit_widgets.wire.blocks import PicturesBlock
from circuit_widgets.wire.packing import AnyHead, Number, Packed
from circuit_widgets.wire.parts import TilePart


@dataclass(frozen=True)
class Named:
    """A type of failure, or a fix: its word in Python, and what it means."""

    name: str
    label: str
    about: str
    heads_only: bool = False


@dataclass(frozen=True)
class CaseRow:
    """A failing case. `second`, `part`: "" where there is none; `p_healthy`: in the reference."""

    prompt: str
    expected: str
    predicted: str
    p_expected: Number
    p_predicted: Number
    p_healthy: Number
    type: str
    score: Number
    second: str
    margin: Number
    part: str
    diagnosis: str
    added: bool


@dataclass(frozen=True)
class PartRow:
    """A head or MLP that is out of line in a case; `said`: what was measured of it."""

    case: int
    name: str
    type: str
    z: Number
    q: Number
    said: str


@dataclass(frozen=True)
class TriedRow:
    """A fix that was tried: what came back, what the control brought, and the answer with it."""

    case: int
    part: str
    fix: str
    back: Number
    control: Number
    control_about: str
    p_expected: Number
    predicted: str
    p_predicted: Number
    helped: bool
    by_hand: bool


@dataclass(frozen=True)
class TransferRow:
    """A fix that was found on a case, on the other failing cases and on healthy ones."""

    part: str
    fix: str
    back: Number
    low: Number
    high: Number
    control: Number
    said: str


def named_table(name: str, some: Sequence[Named], title: str) -> Packed:
    """A row a type, or a row a fix."""
    return packing.table(
        name,
        [
            packing.texts("name", [one.name for one in some], "name", role="label"),
            packing.texts("label", [one.label for one in some], "label"),
            packing.texts("about", [one.about for one in some], "meaning"),
            packing.flags("heads_only", [one.heads_only for one in some], "of heads only"),
        ],
        title=title,
    )


def cases_table(cases: Sequence[CaseRow]) -> Packed:
    """A row a case, in the order of the result; what was typed in the view comes last."""
    return packing.table(
        "cases",
        [
            packing.texts("prompt", [case.prompt for case in cases], "prompt", role="label"),
            packing.texts("expected", [case.expected for case in cases], "expected"),
            packing.texts("predicted", [case.predicted for case in cases], "predicted"),
            *(
                packing.numbers(name, [getattr(case, name) for case in cases], label, about=about)
                for name, label, about in (
                    ("p_expected", "p expected", "Probability of the expected tokens together"),
                    ("p_predicted", "p predicted", "Probability of the predicted token"),
                    ("p_healthy", "p usual", "Probability of the expected tokens in the reference"),
                )
            ),
            packing.texts("type", [case.type for case in cases], "type"),
            packing.numbers("score", [case.score for case in cases], "score"),
            packing.texts("second", [case.second for case in cases], "second type"),
            packing.numbers("margin", [case.margin for case in cases], "margin"),
            packing.texts("part", [case.part for case in cases], "furthest out"),
            packing.texts("diagnosis", [case.diagnosis for case in cases], "diagnosis"),
            packing.flags("added", [case.added for case in cases], "added here"),
        ],
        title="Failing cases",
    )


def parts_table(parts: Sequence[PartRow]) -> Packed:
    """A row for each part of a case that is out of line, the furthest out first."""
    return packing.table(
        "parts",
        [
            packing.whole("case", [part.case for part in parts], "case"),
            packing.texts("name", [part.name for part in parts], "part", role="label"),
            packing.texts("type", [part.type for part in parts], "type"),
            packing.numbers("z", [part.z for part in parts], "z"),
            packing.numbers("q", [part.q for part in parts], "q", role="q", of="z"),
            packing.texts("said", [part.said for part in parts], "measured"),
        ],
        title="Parts that are out of line",
    )


def tried_table(tried: Sequence[TriedRow]) -> Packed:
    """A row a fix of a part in a case."""
    return packing.table(
        "tried",
        [
            packing.whole("case", [one.case for one in tried], "case"),
            packing.texts("part", [one.part for one in tried], "part", role="label"),
            packing.texts("fix", [one.fix for one in tried], "fix"),
            packing.numbers("back", [one.back for one in tried], "brought back"),
            packing.numbers(
                "control", [one.control for one in tried], "control", role="null", of="back"
            ),
            packing.texts("control_about", [one.control_about for one in tried], "control is"),
            packing.numbers("p_expected", [one.p_expected for one in tried], "p expected"),
            packing.texts("predicted", [one.predicted for one in tried], "predicted"),
            packing.numbers("p_predicted", [one.p_predicted for one in tried], "p predicted"),
            packing.flags("helped", [one.helped for one in tried], "helped"),
            packing.flags("by_hand", [one.by_hand for one in tried], "tried in this view"),
        ],
        title="Fixes that were tried",
    )


def transfers_table(transfers: Sequence[TransferRow], which: str) -> Packed:
    """A row a fix that was tried on other cases; `which`: its interval."""
    low, high = ([getattr(one, end) for one in transfers] for end in ("low", "high"))
    return packing.table(
        "transfers",
        [
            packing.texts("part", [one.part for one in transfers], "part", role="label"),
            packing.texts("fix", [one.fix for one in transfers], "fix"),
            packing.numbers("back", [one.back for one in transfers], "brought back"),
            packing.numbers("back_low", low, "low", about=which, role="low", of="back"),
            packing.numbers("back_high", high, "high", about=which, role="high", of="back"),
            packing.numbers(
                "control", [one.control for one in transfers], "control", role="null", of="back"
            ),
            packing.texts("said", [one.said for one in transfers], "in words"),
        ],
        title="Fixes on other cases",
    )


def z_matrix(
    heads: Float[Tensor, "case layer head"], mlps: Float[Tensor, "case layer"], about: str
) -> Packed:
    """[case, layer after layer]: the heads of a layer, then its MLP; NaN: not computed."""
    values = torch.cat([heads, mlps[..., None]], -1).flatten(1)
    names = [
        f"{layer}.{part}"
        for layer in range(heads.shape[1])
        for part in (*range(heads.shape[2]), "mlp")
    ]
    return packing.matrix(
        "z",
        values,
        packing.text_axis([str(case) for case in range(len(values))], "case"),
        packing.text_axis(names, "part"),
        title="How far out each part is",
        about=about,
        most=_highest(values),
    )


def scores_matrix(values: Float[Tensor, "case type"], types: Sequence[str]) -> Packed:
    """How strongly each type holds in each case."""
    return packing.matrix(
        "scores",
        values,
        packing.text_axis([str(case) for case in range(len(values))], "case"),
        packing.text_axis(types, "type"),
        title="Types of failure",
    )


def texts_table(texts: Iterable[tuple[int, Sequence[str]]]) -> Packed:
    """Every token of every text, with the number by which a page asks about the text."""
    rows = [(run, token) for run, tokens in texts for token in tokens]
    return packing.table(
        "texts",
        [
            packing.whole("run", [run for run, _ in rows], "text"),
            packing.texts("token", [token for _, token in rows], "token", role="label"),
        ],
        title="Texts",
    )


def pictures(
    run: int,
    pixels: UInt8[Tensor, "picture side side"],
    scales: Float[Tensor, " picture"],
    heads: Sequence[AnyHead],
    n_tokens: int,
) -> list[Packed]:
    """Small pictures of some heads' attention on one text, without what lies beyond the text."""
    side = pixels.shape[-1]
    if not heads or not side or not n_tokens:
        return []
    used = -(-n_tokens // -(-n_tokens // side))
    parts: list[TilePart] = []
    buffer = bytearray()
    for head, picture, scale in zip(heads, pixels, scales.tolist(), strict=False):
        if not scale > 0:
            continue  # there is none: no healthy prompt has this length
        cells = picture[:used, :used].cpu().clone()
        # As a tile has it: the first token's column apart, in numbers.
        first = cells[:, 0].float() * scale / 255
        cells[:, 0] = 0
        start = len(buffer)
        buffer += cells.numpy().tobytes() + bytes(-used * used % 4)
        at = len(buffer)
        buffer += first.numpy().astype("<f4").tobytes()
        parts.append(TilePart(packing.place(head), used, used, scale, start, at))
    if not parts:
        return []
    block = PicturesBlock(f"pictures.{run}", (0, n_tokens, 0, n_tokens), "max", used, parts)
    return [Packed(block, bytes(buffer))]


def _highest(values: Tensor) -> float:
    finite = values[values.isfinite()]
    return float(finite.max()) if len(finite) and float(finite.max()) > 0 else 1.0
