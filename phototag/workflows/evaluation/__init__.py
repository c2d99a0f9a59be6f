"""Jobs that measure how well the engines do, and train an embedder."""
