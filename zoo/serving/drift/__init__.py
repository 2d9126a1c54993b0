"""Whether new data are like those that an exported file was trained on. NumPy alone."""
