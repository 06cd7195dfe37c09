"""Pages that need no kernel: one file, no network; readers click what was computed ahead.

>>> import circuit_widgets as cw
>>> page = cw.export.page([cw.explore(cw.load_model(), "blue dog seven blue dog")])
>>> page[:15]
'<!doctype html>'
"""

from circuit_widgets.export.cells import notebooks as notebooks
from circuit_widgets.export.cells import share_script as share_script
from circuit_widgets.export.frames import render_static as render_static
from circuit_widgets.export.pages import page as page
from circuit_widgets.export.plain import state as state
from circuit_widgets.export.script import policy as policy
from circuit_widgets.export.script import script as script
