"""Published weights of the builders: where they are, and how their tensors are called. A file for each architecture."""
