"""`python -m phototag`."""

# Nothing is imported before the current folder is off the path, not even `__future__`: `-m` puts it there first, and a
# module planted in it would be run. (`os` and `sys` are in memory since the interpreter started.)
import os
import sys

if not getattr(sys.flags, "safe_path", sys.flags.isolated) and sys.path and sys.path[0] in ("", os.getcwd()):
    del sys.path[0]

if __name__ == "__main__":
    from phototag.cli.main import main

    main()
