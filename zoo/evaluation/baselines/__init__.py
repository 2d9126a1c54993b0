"""Baselines, one file a kind of task."""
