"""Learning from vectors alone: groups, classifiers, figures of merit; knows no photos and no database."""
