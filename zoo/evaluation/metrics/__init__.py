"""Metrics, one file a kind of task, with intervals and comparison."""
