"""Comparison of ``beta="auto"`` with the best beta of a grid, and with other methods."""
