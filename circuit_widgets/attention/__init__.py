"""What attention looks like: diagonals, scores on a text, shapes."""
