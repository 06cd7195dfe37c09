import pytest

from circuit_widgets.widgets.params import Params, UnknownParameter
from circuit_widgets.wire import controls as c

CONTROLS = [
    c.number("threshold.induction", "Induction", 0.3, least=0, most=1, step=0.01),
    c.number("threshold.local", "Local", 0.5, least=0, most=1, step=0.01),
    c.choice(
        "first", "First token", [c.option("show", "show"), c.option("dim", "dim")], value="dim"
    ),
    c.number("n", "n", 1, least=0, most=2, step=1),
]


@pytest.fixture
def params():
    held = {}
    writes = []

    def write(values):
        writes.append(values)
        held.update(values)

    made = Params(CONTROLS, lambda: held, write)
    made.writes = writes
    return made


def test_a_parameter_is_what_was_declared_until_it_is_set(params):
    assert params["threshold.induction"] == 0.3
    params["threshold.induction"] = 0.4
    assert params["threshold.induction"] == 0.4
    del params["threshold.induction"]
    assert params["threshold.induction"] == 0.3
    assert list(params) == ["threshold.induction", "threshold.local", "first", "n"]


def test_several_are_set_in_one_step_or_none(params):
    params.update({"threshold.induction": 0.1, "first": "show"})
    assert len(params.writes) == 1
    with pytest.raises(ValueError, match=r"first is 'shw'; accepted is 'show' or 'dim'\. Did you"):
        params.update({"threshold.induction": 0.9, "first": "shw"})
    assert params["threshold.induction"] == 0.1


def test_a_name_that_there_is_not_is_answered_with_the_closest(params):
    with pytest.raises(UnknownParameter) as caught:
        params["threshold.inducton"] = 0.4
    assert "Did you mean 'threshold.induction'?" in str(caught.value)
    assert not str(caught.value).startswith('"')
    with pytest.raises(KeyError):
        params["nothing"]


@pytest.mark.parametrize("value", [True, "0.4", None])
def test_a_number_is_a_number(params, value):
    with pytest.raises(TypeError, match="accepted is a number"):
        params["threshold.local"] = value


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_number_is_in_its_range(params, value):
    with pytest.raises(ValueError, match=r"threshold\.local is"):
        params["threshold.local"] = value


def test_those_that_begin_alike_are_reset_together(params):
    params.update({"threshold.induction": 0.1, "threshold.local": 0.1, "first": "show"})
    params.reset("threshold.")
    assert dict(params) == {
        "threshold.induction": 0.3,
        "threshold.local": 0.5,
        "first": "show",
        "n": 1.0,
    }
