"""Export: the ONNX file, the proof that it equals the evaluated model, and its card."""
