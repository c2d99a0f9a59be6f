"""Engines that find faces in an image."""
