"""What happens if: a head, a token, an edge or a path is taken away or replaced."""
