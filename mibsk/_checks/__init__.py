"""Checks of the input of users, with their error messages."""
