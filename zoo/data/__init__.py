"""Data: sources, splits, audit, preprocessing, augmentation, and the batches that training reads."""
