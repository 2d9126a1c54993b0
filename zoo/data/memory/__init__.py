"""Data that a Python program holds: frames, columns, arrays, texts, images and data sets, read as files are."""
