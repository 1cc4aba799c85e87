"""Checks of what a user passes, and the messages for what cannot be accepted."""
