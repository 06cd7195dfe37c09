"""A model on show: the run of a prompt, its tensors, and what is asked about it."""
