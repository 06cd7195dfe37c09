"""Pages without a kernel: budgets, what is on them, and what is refused."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.export.budget import bytes_of
from circuit_widgets.live.reading import Reading
from circuit_widgets.wire.page import PageView
from tests import tiny

TEXT = "blue dog seven river blue dog seven river blue dog"
HOSTILE = "</script><script>alert(1)</script> & \"quoted\" 'so' <!--"


@pytest.fixture(scope="module")
def model():
    return cw.load_model()


@pytest.fixture
def view(model):
    shown = cw.explore(model, TEXT, selection="1.2")
    yield shown
    shown.close()


def blobs(text: str, kind: str) -> list[bytes]:
    found = re.findall(f"<script [^>]*data-cw-{kind}>([^<]*)</script>", text)
    return [zlib.decompress(base64.b64decode(one)) for one in found]


def states(text: str) -> list[tuple[dict[str, Any], bytes]]:
    """What the page's script reads."""
    found = []
    for data in blobs(text, "state"):
        (length,) = struct.unpack_from("<I", data)
        assert (4 + length) % 4 == 0
        found.append((json.loads(data[4 : 4 + length]), data[4 + length :]))
    return found


def test_every_head_is_as_the_store_has_it(view) -> None:
    text = view.to_html()
    [(state, data)], [tiles] = states(text), blobs(text, "tiles")
    assert PageView.__struct_fields__ == tuple(state)
    [run] = state["baked"]
    [block] = run["pictures"]
    assert len(block["tiles"]) == 2 * 4
    for part in block["tiles"]:
        layer, head = part["head"]
        n = part["rows"] * part["cols"]
        cells = np.frombuffer(tiles, "u1", n, part["offset"]).reshape(part["rows"], -1)
        first = np.frombuffer(tiles, "<f4", part["rows"], part["first"])
        exact = view.pattern((layer, head)).numpy()
        found = cells * (part["scale"] / 255)
        found[:, 0] = first
        assert np.abs(found - exact).max() <= part["scale"] / 510 + 3e-4
    assert [reply["position"] for reply in run["next"]] == list(range(len(view.tokens)))
    span = state["traits"]["score_data"]
    assert data[span["offset"] : span["offset"] + span["length"]] == view.score_data


def test_what_is_predicted_is_asked_once_a_position(view, monkeypatch) -> None:
    asked = []
    answer = Reading.answer

    def heard(self: Reading, question: Any) -> Any:
        asked.append(question.position)
        return answer(self, question)

    monkeypatch.setattr(Reading, "answer", heard)
    view.to_html(picture=False)
    assert asked == list(range(len(view.tokens)))


def test_heads_that_have_no_room_are_left_out_the_best_last(model) -> None:
    view = cw.explore(model, f"{TEXT} " * 12, selection="1.2")
    whole = view.to_html(picture=False)
    [tiles] = re.findall("data-cw-tiles>([^<]*)<", whole)
    budget = len(whole) - len(tiles) // 2
    text = view.to_html(budget=budget, picture=False)
    assert len(text) <= budget
    [(state, _)] = states(text)
    kept = [tuple(part["head"]) for part in state["baked"][0]["pictures"][0]["tiles"]]
    assert 1 <= len(kept) < 8 and kept[0] == (1, 2)
    scores = view.grid_scores
    left_out = set(scores) - set(kept)
    assert all(scores[a] >= scores[b] for a in kept[1:] for b in left_out)
    assert f"Attention of {len(kept)} of 8 heads is included in this page" in text
    view.close()


def test_a_budget_without_room_for_a_head_is_a_sentence(view) -> None:
    with pytest.raises(
        ValueError, match="a page of 100 kB has no room for one head: the least"
    ) as e:
        view.to_html(budget="100 kB", picture=False)
    said = re.search(r"is (\d+) kB", str(e.value))
    assert said is not None
    assert len(view.to_html(budget=f"{int(said[1]) + 1} kB", picture=False)) > 0


@pytest.mark.parametrize("budget", ["much", 0, -5, "1 parsec", True, None])
def test_what_is_no_budget_is_a_sentence(budget: Any) -> None:
    with pytest.raises(ValueError, match="accepted is a number of bytes, or text like"):
        bytes_of(budget)


def test_texts_of_a_user_are_never_html(model) -> None:
    view = cw.explore(model, TEXT, title=HOSTILE, caption=HOSTILE)
    for text in (view.to_html(title=HOSTILE), view.render_static()):
        assert "alert(1)</script>" not in text and "<script>alert" not in text
        assert text.count("<!--") == 0
    view.close()


def test_a_file_is_whole_or_not_there(view, tmp_path, monkeypatch) -> None:
    path = tmp_path / "page.html"
    assert view.to_html(path, picture=False) == path
    before = path.read_text()
    assert before.endswith("</html>\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        view.to_html(path, title="other", picture=False)
    assert path.read_text() == before and [*tmp_path.iterdir()] == [path]
    with pytest.raises(FileNotFoundError, match=r"nowhere/page\.html"):
        view.to_html(tmp_path / "nowhere" / "page.html", picture=False)


def test_one_bundle_for_all_views(model, view) -> None:
    result = cw.identify_induction_heads(model, n_sequences=2, progress=False)
    text = cw.export.page([view, result, view], picture=False)
    assert text.count("data-cw-bundle>") == 1 and len(states(text)) == 3
    [(first, _), (second, _), _] = states(text)
    assert first["heads"] == second["heads"] != ""
    apart = states(cw.export.page([result, view], link=False, picture=False))
    assert not any(state["heads"] for state, _ in apart)


def test_a_shared_selection_links_in_any_case(model) -> None:
    shared = cw.Selection("1.2")
    result = cw.identify_induction_heads(model, n_sequences=2, progress=False)
    views = [result.view(selection=shared) for _ in range(2)]
    found = states(cw.export.page([*views, result], link=False, picture=False))
    assert [bool(state["heads"]) for state, _ in found] == [True, True, False]
    for one in views:
        one.close()


def test_a_loaded_result_has_a_page_without_attention(model, tmp_path) -> None:
    cw.detect_attention_patterns(model, prompts=TEXT, progress=False).save(tmp_path / "result")
    text = cw.load(tmp_path / "result").to_html(budget="300 kB", picture=False, height=500)
    [(state, _)] = states(text)
    assert state["baked"] == [] and blobs(text, "tiles") == []
    assert state["traits"]["frame"]["height"] == 500
    assert not state["traits"]["runs"]["all"][0]["live"]


def test_what_cannot_be_on_a_page_is_a_sentence(model, view) -> None:
    with pytest.raises(TypeError, match="int cannot be on a page"):
        cw.export.page([1])
    with pytest.raises(ValueError, match="a page needs a view"):
        cw.export.page([])
    with pytest.raises(ValueError, match="there is no head"):
        view.to_html(bake={"heads": ["9.9"]})
    with pytest.raises(ValueError, match="theme"):
        view.to_html(theme="blue")


def test_only_the_heads_that_are_asked_for(view) -> None:
    [(state, _)] = states(view.to_html(bake={"heads": ["0.1", "1.2"]}, picture=False))
    tiles = state["baked"][0]["pictures"][0]["tiles"]
    assert {tuple(part["head"]) for part in tiles} == {(0, 1), (1, 2)}


def test_a_long_text_has_pooled_heads_and_the_first_ones_pair_by_pair() -> None:
    model = tiny.native(n_layers=2, n_heads=3, d_model=24, d_head=8, n_ctx=300, d_vocab=50)
    ids = torch.randint(1, 49, (1, 280), generator=torch.Generator().manual_seed(0))
    view = cw.explore(model, ids, selection="1.0", probe=False)
    whole = view.to_html(budget="5 MB", picture=False)
    [(state, _)] = states(whole)
    rough, fine = state["baked"][0]["pictures"]
    assert [len(rough["tiles"]), len(fine["tiles"])] == [6, 6]
    assert rough["tiles"][0]["rows"] == 140 and fine["tiles"][0]["rows"] == 280
    # With less room the pooled ones come first.
    [(state, _)] = states(view.to_html(budget=len(whole) - 60_000, picture=False))
    rough, fine = state["baked"][0]["pictures"]
    assert len(rough["tiles"]) == 6 and 0 < len(fine["tiles"]) < 6
    assert fine["tiles"][0]["head"] == [1, 0]
    view.close()
