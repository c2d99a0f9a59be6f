"""The command line: one file a command, and the single place where errors become messages and exit codes."""
