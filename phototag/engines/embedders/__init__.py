"""Engines that turn an aligned face into a vector."""
