"""Callbacks of a run: log, checkpoints, non-finite losses, monitoring, plateau, progress, samples."""
