"""A view's state as plain JSON, for hosts that read a module and its state from files."""

from __future__ import annotations

import base64
import json
from typing import Any

from circuit_widgets.export.wishes import views_of
from circuit_widgets.wire.page import PageTraits


def state(view: Any) -> str:
    """JSON of a view's traits, for MyST's `{anywidget}` directive and other readers of anywidgets.

    Bytes are base64. The first screen is drawn from it; what needs the kernel says so.

    Args:
        view: `explore(...)`, `result.view(...)`, or a result.

    >>> import circuit_widgets as cw
    >>> import json
    >>> sorted(json.loads(cw.export.state(cw.explore(cw.load_model(), "blue dog"))))[:3]
    ['controls', 'frame', 'param_values']
    """
    with views_of([view]) as [shown]:
        found = {name: _plain(getattr(shown, name)) for name in PageTraits.__struct_fields__}
        return json.dumps({**found, "version": shown.version}, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return value
