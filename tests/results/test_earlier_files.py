"""Files that version 0.1.0 saved: what means the same now is there, and the rest is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.results import file
from circuit_widgets.results.result import Result

FOLDER = Path(__file__).parents[1] / "golden" / "earlier"
FILES = sorted(FOLDER.glob("*.safetensors"))


def numbers(path: Path) -> dict[str, torch.Tensor]:
    return file.read(path)[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_opens_with_its_text_frame_picture_and_view(path: Path, tmp_path: Path) -> None:
    result = cw.load(path)
    assert result.provenance.versions["circuit_widgets"] == "0.1.0"
    assert len(repr(result)) > 50 and len(result.to_frame())
    result.plot()
    result.view().close()
    result.save(tmp_path / "again")
    assert cw.load(tmp_path / "again") == result


def influence(name: str) -> tuple[cw.SelfInfluence, dict[str, torch.Tensor]]:
    return cw.SelfInfluence.load(FOLDER / f"{name}.safetensors"), numbers(
        FOLDER / f"{name}.safetensors"
    )


def test_influence_is_that_of_draws() -> None:
    result, known = influence("toy-influence")
    for part in ("value", "low", "high"):
        mine = result.logp.tensors()[part]
        torch.testing.assert_close(mine, known[f"logp.{part}"], rtol=0, atol=0, equal_nan=True)
    assert not result.enumerated and result.n_replacements.tolist() == [0, *[8] * 9]
    assert result.interval == "95 % interval over draws"
    # A sample standard deviation, and the standard error of the mean of 8.
    torch.testing.assert_close(result.logp_spread, known["logp_sem"] * 8**0.5, equal_nan=True)
    norm, known = influence("toy-influence-norm")
    assert norm.norm is not None and torch.equal(norm.norm.nan_to_num(), known["norm"].nan_to_num())


def test_a_split_that_counted_other_tokens_is_missing() -> None:
    result, known = influence("toy-influence-written")
    assert "own.value" in known and result.own is None and result.prompt is None
    assert result.matrix is not None and result.generated_logp is not None


def test_estimates_are_refused(tmp_path: Path) -> None:
    header, tensors = file.read(FOLDER / "toy-influence.safetensors")
    header["values"]["mode"] = "fast"
    values, given = header["values"], header["provenance"]["parameters"]
    with pytest.raises(ValueError, match="first-order estimates, which are no longer made"):
        cw.SelfInfluence._from_earlier(1, values, tensors, given)


def test_a_p_by_another_null_is_missing_with_the_reason() -> None:
    for name in ("cka", "contribution"):
        path = FOLDER / f"llama-coordination-{name}.safetensors"
        result = cw.HeadCoordination.load(path)
        value = numbers(path)["value"]
        torch.testing.assert_close(result.value, value, rtol=0, atol=0, equal_nan=True)
        assert numbers(path)["p"].isfinite().any() and result.p.isnan().all()
        assert result.significant() == [] and result.pairs == ()
        assert "version 0.1.0 had another null" in repr(result)
    projection: Result = cw.load(FOLDER / "llama-coordination-projection.safetensors")
    assert isinstance(projection, cw.HeadCoordination) and projection.n_tested
