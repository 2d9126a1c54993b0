"""Weights that others trained: found, read without running any of their code, and put into a network."""
