"""Files: read in chunks, written whole, and without code that runs when they are read."""
