"""What a trained model's answers depend on: parts of single examples, and columns, channels and steps of all."""
