"""What every figure does: it shows itself, takes a size, keeps the reader's style, fits a page."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import warnings

import matplotlib
import pytest
import torch
from matplotlib.font_manager import fontManager

import circuit_widgets as cw
from circuit_widgets.plots import fonts
from circuit_widgets.plots.figure import Figure, number
from circuit_widgets.results.score import Score
from tests import rooms, tiny

TEXT = "blue dog seven river blue dog seven"


PROMPTS = [
    f"{a} dog seven {a} dog {b}" for a, b in itertools.permutations(("blue", "red", "two"), 2)
]
# A result of every class, of the toy.
TASK = cw.Task.repeated_tokens(cw.load_model(), n=6, length=6)
NAMES = {
    "heads": (cw.identify_induction_heads, {"n_sequences": 2, "length": 6}),
    "trace": (cw.trace_induction, {"prompt": TEXT}),
    "patterns": (cw.detect_attention_patterns, {"prompts": TEXT}),
    "coordination": (
        cw.analyze_head_coordination,
        {"prompts": PROMPTS, "n_permutations": 20, "pairs": 1},
    ),
    "influence": (cw.compute_self_influence, {"tokens": TEXT, "generate": 2, "draws": 2}),
    "flow": (cw.trace_information_flow, {"tokens": TEXT}),
    "layers": (cw.analyze_cross_layer_flow, {"task": TASK, "check": 0}),
    "attribution": (cw.attribute_logits, {"prompts": TEXT}),
    "ablation": (cw.ablate_heads, {"prompts": PROMPTS}),
    "circuit": (cw.extract_circuit, {"task": TASK, "random": 2, "check": 0}),
    "circuit by position": (
        cw.extract_circuit,
        {"task": TASK, "by_position": True, "random": 0, "check": 0, "minimality": False},
    ),
    "patching": (cw.patch_activations, {"task": TASK}),
    "failures": (
        cw.analyze_failures,
        {"cases": [cw.Case(TEXT, "dog"), cw.Case(TEXT, "cat")], "healthy": TASK, "n_healthy": 20},
    ),
    "diagnosis": (
        cw.diagnose_circuit_failure,
        {"case": cw.Case(TEXT, "dog"), "healthy": TASK, "n_healthy": 20},
    ),
    "patching by place": (cw.patch_activations, {"task": TASK, "what": "stream"}),
    "optimization": (
        cw.suggest_circuit_optimizations,
        {"task": TASK, "random": 3, "upto": 0.75},
    ),
    "models": (
        cw.analyze_cross_model_stability,
        {
            "models": {f"seed {seed}": cw.Load("toy-induction", seed=seed) for seed in (0, 1)},
            "task": TASK,
            "draws": 20,
        },
    ),
    "training": (
        cw.analyze_training_stability,
        {
            "checkpoints": {step: cw.Load("toy-induction", step=step) for step in (0, 693, 2500)},
            "task": TASK,
            "draws": 20,
        },
    ),
}


@pytest.fixture(scope="module")
def results() -> dict:
    model = cw.load_model()
    return {
        name: ask(*(() if ask.several else (model,)), **of, progress=False)
        for name, (ask, of) in NAMES.items()
    }


def test_every_result_is_drawn_here(results) -> None:
    drawn = [type(result).__name__ for result in results.values()]
    assert rooms.missing(rooms.results(), drawn, "NAMES of tests/plots/test_figure.py") == []


def test_a_figure_is_a_picture_to_ipython(results) -> None:
    from IPython.core.formatters import DisplayFormatter

    data, metadata = DisplayFormatter().format(results["influence"].plot(figsize=(4, 3)))
    png = base64.b64decode(data["image/png"])
    assert png.startswith(b"\x89PNG")
    assert metadata["image/png"] == {"width": 400, "height": 300}


@pytest.mark.parametrize("name", NAMES)
def test_size_and_title_are_the_readers(results, name: str) -> None:
    figure = results[name].plot(figsize=(5, 4.5), title="")
    assert figure.get_size_inches().tolist() == [5, 4.5] and figure.get_suptitle() == ""
    assert results[name].plot(title="Fig. $1").get_suptitle() == "Fig. $1"
    for wrong in ((0, 3), "wide", 4, (1, 2, 3)):
        with pytest.raises(ValueError, match="accepted are width and height in inches"):
            results[name].plot(figsize=wrong)


@pytest.mark.parametrize("name", NAMES)
def test_settings_of_matplotlib_hold(results, name: str) -> None:
    mine = {"figure.figsize": (5, 4), "axes.labelsize": 17.0, "ytick.labelsize": 5.0}
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context(mine):
        figure = results[name].plot()
    assert dict(matplotlib.rcParams) == before
    assert figure.get_size_inches().tolist() == [5, 4]
    ax = figure.axes[0]
    assert ax.yaxis.label.get_fontsize() == 17
    assert {label.get_fontsize() for label in ax.get_yticklabels()} == {5}


@pytest.mark.parametrize("name", NAMES)
def test_axes_have_names_and_names_do_not_collide(results, name: str) -> None:
    figure = results[name].plot()
    figure.draw_without_rendering()
    for ax in figure.axes:
        assert ax.get_xlabel() or ax.get_ylabel() or ax.get_shared_x_axes().get_siblings(ax)[1:]
        for axis in (ax.xaxis, ax.yaxis):
            boxes = [
                label.get_window_extent() for label in axis.get_ticklabels() if label.get_text()
            ]
            for one, other in itertools.pairwise(boxes):
                assert not one.overlaps(other), (name, ax.get_title())


def test_models_of_many_layers_fit_a_page(results) -> None:
    heads = results["heads"]

    def large(score: Score | None) -> Score | None:
        if score is None or score.value.ndim != 2:
            return score
        shape = {
            key: t if key == "chance" else torch.rand(64, 32) for key, t in score.tensors().items()
        }
        return Score(**shape)

    fields = {name: large(score) for name, score in heads.scores().items()}
    figure = dataclasses.replace(heads, **fields).plot()
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    assert width <= 10 and height <= 10
    titles = [ax.title.get_window_extent() for ax in figure.axes if ax.images]
    for one, other in itertools.combinations(titles, 2):
        assert not one.overlaps(other)


def test_scores_are_chosen_by_name(results) -> None:
    figure = results["patterns"].plot(scores=["entropy", "uniform"])
    assert [ax.get_title().split("\n")[0] for ax in figure.axes if ax.images] == [
        "Entropy",
        "Uniform",
    ]
    for wrong, reason in ((["entropi"], "no score 'entropi'"), ([], "scores is empty")):
        with pytest.raises(ValueError, match=reason):
            results["patterns"].plot(scores=wrong)


def test_the_flow_names_heads_and_paths(results) -> None:
    flow = results["flow"]
    figure = flow.plot()
    heads = {text.get_text() for text in figure.axes[0].texts}
    assert heads and heads <= set(flow.edges().query("source != query")["name"])
    path = next(p for p in flow.key_paths if any(a != b for _, a, b, _ in p.steps))
    assert flow.path_text(path) in figure.get_supxlabel()


def test_long_texts_keep_names_apart() -> None:
    model = tiny.native(n_ctx=100)
    result = cw.compute_self_influence(model, tiny.ids(90)[0], draws=2, progress=False)
    figure = result.plot(figsize=(3, 3))
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert len(boxes) > 5
    assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes))


@pytest.mark.parametrize(("value", "text"), [(-0.001, "0.00"), (0.0049, "0.00"), (-0.5, "-0.50")])
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_letters_that_no_font_has_are_told_of_once_with_what_helps(monkeypatch) -> None:
    monkeypatch.setattr("circuit_widgets.plots.fonts._told", set())
    figure = Figure()
    figure.text(0.5, 0.5, "蓝色", family="DejaVu Sans")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        figure._repr_png_()
        figure._repr_png_()
    [said] = [str(one.message) for one in told]
    assert "蓝色" in said and "fonts-noto-cjk" in said


def test_other_warnings_while_a_figure_is_painted_are_kept() -> None:
    class Loud(Figure):
        def get_children(self) -> list:
            warnings.warn("something else", UserWarning, stacklevel=1)
            return super().get_children()

    with pytest.warns(UserWarning, match="something else"):
        Loud()._repr_png_()


def test_a_font_that_was_installed_since_is_found(monkeypatch) -> None:
    path = next(font.fname for font in fontManager.ttflist if font.name == "DejaVu Serif")
    others = [font for font in fontManager.ttflist if font.name != "DejaVu Serif"]
    monkeypatch.setattr(fontManager, "ttflist", others)
    monkeypatch.setattr(fonts, "_WIDE", ("DejaVu Serif",))
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: [path, __file__])
    assert fonts.wide_fonts.__wrapped__() == ("DejaVu Serif",)


def test_glyphs_that_the_font_lacks_come_from_one_that_has_them(monkeypatch) -> None:
    monkeypatch.setattr("circuit_widgets.plots.figure.wide_fonts", lambda: ("DejaVu Serif",))
    trace = cw.compute_self_influence(cw.load_model(), TEXT, draws=2, progress=False)
    figure = trace.plot()
    labels = [label for ax in figure.axes for label in ax.get_xticklabels()]
    assert labels[0].get_fontfamily() == ["sans-serif", "DejaVu Serif"]
    with matplotlib.rc_context({"font.family": "monospace"}):
        assert trace.plot().axes[0].get_xticklabels()[0].get_fontfamily() == ["monospace"]
