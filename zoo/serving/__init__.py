"""Serving: predictions from an exported file, with onnxruntime alone."""
