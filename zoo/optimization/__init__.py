"""Optimisers and learning-rate schedules."""

import keras  # noqa: F401 - first: it registers this room's classes, which import each other
