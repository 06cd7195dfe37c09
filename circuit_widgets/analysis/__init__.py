"""One file per topic: torch in, a result out."""

from circuit_widgets.analysis._analysis import Analysis as Analysis
from circuit_widgets.analysis._analysis import analysis as analysis
from circuit_widgets.analysis._job import Job as Job
from circuit_widgets.analysis._job import Stopped as Stopped
from circuit_widgets.analysis._job import check_stop as check_stop
