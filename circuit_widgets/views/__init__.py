"""One file a topic: its widget."""
