"""All that knows TensorFlow or JAX from inside: start-up, devices, processes, determinism, precision, kernels."""
