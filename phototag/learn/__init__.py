"""Learning from vectors alone: groups, classifiers, calibration, figures of merit. Knows no photos and no database."""
