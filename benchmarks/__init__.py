"""What was measured, and the scripts that measure it again: ``python -m benchmarks.<name>``."""
