"""phototag: every face in a photo library found, grouped, named and browsable, on your own machine."""

__version__ = "0.2.0"
