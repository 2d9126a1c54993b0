"""Metrics with their uncertainty, baselines, diagnosis and the report of a run."""
