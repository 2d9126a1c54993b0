"""Sources, one file a source: from files, arrays and TFDS to examples and targets."""
