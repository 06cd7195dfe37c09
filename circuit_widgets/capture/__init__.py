"""Forward passes: the only room that touches hooks.

`run` runs the model once for several readers. A *reducer* sees each layer's tensor as it is
produced and keeps only what the question needs. An *intervention* edits an activation. Hooks are
gone after a run however it ends. `BlockInputs` and `replay_pattern` make a layer's attention again.
"""

from __future__ import annotations

from circuit_widgets.capture.beginnings import suffix_inputs
from circuit_widgets.capture.branching import Branch, branch
from circuit_widgets.capture.edits import Edit, Intervention
from circuit_widgets.capture.foreign import blamed, foreign_hooks
from circuit_widgets.capture.gradients import Gradients, gradients
from circuit_widgets.capture.inputs import BlockInputs
from circuit_widgets.capture.interventions import ablate, knock_out, patch, scale
from circuit_widgets.capture.locks import lock
from circuit_widgets.capture.prefix import Prefix
from circuit_widgets.capture.reducers import Keep, Reducer, together
from circuit_widgets.capture.replay import replay, replay_pattern
from circuit_widgets.capture.resuming import resume
from circuit_widgets.capture.run import Passes, counting, run
from circuit_widgets.capture.standing import Listener, standing, stands
from circuit_widgets.capture.stopping import Stopped, check_stop

__all__ = [
    "BlockInputs",
    "Branch",
    "Edit",
    "Gradients",
    "Intervention",
    "Keep",
    "Listener",
    "Passes",
    "Prefix",
    "Reducer",
    "Stopped",
    "ablate",
    "blamed",
    "branch",
    "check_stop",
    "counting",
    "foreign_hooks",
    "gradients",
    "knock_out",
    "lock",
    "patch",
    "replay",
    "replay_pattern",
    "resume",
    "run",
    "scale",
    "standing",
    "stands",
    "suffix_inputs",
    "together",
]
