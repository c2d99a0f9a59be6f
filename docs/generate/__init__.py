"""Pages of the documentation that are made from the program itself, so that they can't be out of date."""
