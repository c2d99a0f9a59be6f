"""The interview: which question to ask next about faces, and what an answer changes."""
