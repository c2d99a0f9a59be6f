"""The command line: one file a command, and the single place where errors become messages and exit codes."""

# Before anything else is imported: an empty or relative entry of PYTHONPATH means the current folder, where modules of
# somebody else may lie. (`os` and `sys` are in memory since the interpreter started.)
import os
import sys

_searched = "" if sys.flags.ignore_environment else os.environ.get("PYTHONPATH", "")
_relative = [entry for entry in _searched.split(os.pathsep) if _searched and not os.path.isabs(entry)]
_here = {os.path.abspath(entry) for entry in _relative}
sys.path[:] = [entry for entry in sys.path if os.path.isabs(entry) and entry not in _here]
