"""Retrieval of pictures by words, from frozen towers, and captions of pictures."""
