"""What each head, MLP and the embedding adds to a logit, and what is lost without heads."""

from circuit_widgets.analysis.attribution.ablate import ablate_heads
from circuit_widgets.analysis.attribution.ablation_results import HeadAblation
from circuit_widgets.analysis.attribution.attribute import attribute_logits
from circuit_widgets.analysis.attribution.results import LogitAttribution

__all__ = ["HeadAblation", "LogitAttribution", "ablate_heads", "attribute_logits"]
