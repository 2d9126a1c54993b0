"""How a model's metric falls when its input gets worse: corruptions in graded strength, and gradient attacks."""
