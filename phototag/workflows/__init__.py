"""One file per job: each composes the rooms below, which never meet one another elsewhere."""
