"""What weights and their descriptions look like on disk."""
