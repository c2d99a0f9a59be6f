"""Files and pixels: which files are photos, what they show, and small pictures of it."""
