"""Files of tensors and plain values that run no code when they are read."""

from ._state_file import can_hold, check_version, read_state, write_state

__all__ = ["can_hold", "check_version", "read_state", "write_state"]
