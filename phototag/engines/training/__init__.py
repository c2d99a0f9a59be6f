"""Training of an embedder on the user's own photos."""
