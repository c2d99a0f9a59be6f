"""Jobs on the photo library: index, re-embed, relocate, forget, tell its state."""
