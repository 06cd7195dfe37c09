"""Reads a view's topic as the page does."""

from __future__ import annotations

from typing import Any

from circuit_widgets.testing.told import Told as Reader


class Told(Reader):
    """What a view is told."""

    def __init__(self, view: Any) -> None:
        super().__init__(view.topic, view.topic_data)
