"""Checked arguments: what is accepted, what is not, and the sentence that says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from circuit_widgets import arguments


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), torch.tensor(3), np.array(3)])
def test_whole_numbers_of_every_library(value: Any) -> None:
    number = arguments.whole("n", value, 1)
    assert number == 3 and type(number) is int


@pytest.mark.parametrize(
    "value", [True, np.True_, torch.tensor(True), 3.0, "3", None, float("nan"), [3], 0]
)
def test_what_is_no_whole_number_is_a_sentence(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^n is .*; accepted is a whole number from 1 to 9$"):
        arguments.whole("n", value, 1, 9)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), torch.tensor(0.5)])
def test_shares_of_every_library(value: Any) -> None:
    assert arguments.share("p", value) == 0.5 and type(arguments.share("p", value)) is float


@pytest.mark.parametrize("value", [0, 1, -0.1, 95, float("nan"), True, "0.5", None, torch.ones(2)])
def test_what_is_no_share_is_a_sentence(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^p is .*; accepted is between 0 and 1, like 0\.95$"):
        arguments.share("p", value)


def test_the_ends_of_a_share() -> None:
    assert arguments.share("p", 0, ends=True) == 0 and arguments.share("p", 1, ends=True) == 1
    with pytest.raises(ValueError, match=r"p is 1\.5; accepted is 0 to 1"):
        arguments.share("p", 1.5, ends=True)


def test_choices_flags_and_seeds() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'fast'\? accepted are 'exact', 'fast'"):
        arguments.choice("mode", "fasst", ("exact", "fast"))
    with pytest.raises(ValueError, match="mode is 3; accepted are"):
        arguments.choice("mode", 3, ("exact", "fast"))
    with pytest.raises(ValueError, match="did you mean 'eap-ig-inputs'"):
        arguments.choice("method", "eap_ig", ("eap", "eap-ig-inputs", "exact"))
    assert arguments.flag("loss", np.True_) is True
    with pytest.raises(ValueError, match="loss is 1; accepted are True and False"):
        arguments.flag("loss", 1)
    with pytest.raises(ValueError, match="seed is -1; accepted is a whole number from 0"):
        arguments.seed(-1)


def test_a_long_value_does_not_fill_the_sentence() -> None:
    with pytest.raises(ValueError) as caught:
        arguments.whole("n", "x" * 1000)
    assert len(str(caught.value)) < 120
