"""Slices: parts of the test split on which a model is clearly worse than on the rest."""
