"""keras-tuner over a recipe's declared space."""
