"""Training: the run folder, the fit, checkpoints and progress."""
