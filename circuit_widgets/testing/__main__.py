"""`python -m circuit_widgets.testing` prints the path of the sanitizers, for nbval."""

from circuit_widgets.testing.sanitizers import sanitizers

print(sanitizers())
