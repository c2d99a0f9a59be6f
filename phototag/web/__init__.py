"""The review pages: who is who, asked and put right in a browser, served to this machine alone."""
