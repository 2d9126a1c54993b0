"""What a model's outputs mean: decoding, boxes, image similarity. NumPy alone."""
