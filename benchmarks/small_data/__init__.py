"""Retrieval with few pairs: the defaults of IBAligner beside what one would try first."""
