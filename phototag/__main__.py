"""`python -m phototag`."""

from __future__ import annotations

import os
import sys

# `-m` puts the current folder first on the path, where a planted dlib.py would be imported.
if sys.path and sys.path[0] in ("", os.getcwd()):
    del sys.path[0]

if __name__ == "__main__":
    from phototag.cli.main import main

    main()
