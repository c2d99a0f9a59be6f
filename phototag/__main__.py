"""`python -m phototag`."""

from __future__ import annotations

import os
import sys

# `-m` puts the current folder first on the path, where a planted dlib.py would be imported.
sys.path[:] = [entry for entry in sys.path if entry not in ("", os.getcwd())]

if __name__ == "__main__":
    from phototag.cli.main import main

    main()
