"""The questions, a folder a topic: torch in, a result out."""
