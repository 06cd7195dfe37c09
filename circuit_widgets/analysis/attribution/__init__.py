"""What each head, MLP and the embedding adds to a logit."""

from circuit_widgets.analysis.attribution.attribute import attribute_logits
from circuit_widgets.analysis.attribution.results import LogitAttribution

__all__ = ["LogitAttribution", "attribute_logits"]
