"""Chunked reading, atomic writing, and a state file format that executes no code."""
