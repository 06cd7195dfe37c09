"""A page of views in one file that needs no kernel and no network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from circuit_widgets import arguments
from circuit_widgets.export.document import THEMES, Theme, document
from circuit_widgets.export.fitting import render
from circuit_widgets.export.wishes import title_of, views_of, wish
from circuit_widgets.results.writing import replace_file

BUDGET = 10**6
PAGE_WISHES = ("budget", "title", "bake", "link", "picture", "theme")


def page(
    views: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    budget: int | str | None = None,
    title: str | None = None,
    bake: Mapping[str, Any] | None = None,
    link: bool = True,
    picture: bool = True,
    theme: Theme = "auto",
) -> str | Path:
    """Write a page that shows views without a kernel: one file, no network, one bundle for all.

    Sliders, zoom, hover, selections and links between views work as in the notebook. Attention is
    in 8 bits a cell (an error below 0.2 % of a head's maximum) and shown as "about"; what needs
    the model says that it is not included.

    Args:
        views: Views (`explore(...)`, `result.view(...)`) and results, one or several.
        path: Of the file, which holds all of the page or is left as it was. None: the page's text.
        budget: Bytes of the whole file, like "1 MB" or 300_000; None is 1 MB a view.
        title: Of the page; None is the first view's own.
        bake: What is computed ahead for readers to look at. "heads": "all", or those named. Heads
            that do not fit the budget are left out, the selected one and those with the highest
            scores last, and the page says how many. "interventions": the same text read again
            without a head ("1.2"), without several (["0.1", "1.2"]), or with one scaled
            ({"scale": "1.2", "factor": 2}); an explorer's readers choose between them. What is
            ablated is replaced by its mean over the text's positions, with {"ablate": "1.2",
            "by": "zero"} by nothing.
        link: Whether views of one model select heads together, and those of one text tokens too.
            Views that share a `Selection` do in any case.
        picture: Whether each view has a still picture for where no script runs.
        theme: "auto" (as the reader's system), "light" or "dark".

    Returns:
        The page's text, or the path of the file.

    Raises:
        ValueError: The budget has no room for one head, or an argument is not known.
        OSError: The file cannot be written; nothing half-written is left.

    >>> import circuit_widgets as cw
    >>> text = cw.export.page(cw.explore(cw.load_model(), "blue dog"), picture=False)
    >>> text.startswith("<!doctype html>") and "http://" not in text
    True
    """
    arguments.choice("theme", theme, THEMES)
    with views_of(views) as shown:
        limit = BUDGET * len(shown) if budget is None else budget
        asked = wish(shown, budget=limit, bake=bake, link=link, picture=picture)
        named = title if title is not None else title_of(shown[0])
        text = render(
            shown,
            asked,
            lambda sections: document(named, sections, heading=title is not None, theme=theme),
        )
    if path is None:
        return text
    return replace_file(path, text.encode())
