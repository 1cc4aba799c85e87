"""Search icons with words, and words with pictures."""
