"""Names in and out: files that carry what humans said between machines and programs; nothing in them is trusted."""
