"""The demo: the whole job on a library of two people that comes with phototag."""
