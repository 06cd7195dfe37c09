"""How sure: intervals and permutations."""
