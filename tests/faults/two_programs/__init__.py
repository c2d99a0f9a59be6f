"""Two programs at one database: real processes of the real command line, in pairs, with random order and kills."""
