"""What several test files need: small libraries and databases, fake engines, files made to break things."""
