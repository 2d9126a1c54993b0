"""Augmentation, in training only: image steps, RandAugment, mixup and CutMix, hidden tokens."""
