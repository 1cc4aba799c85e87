"""Images drawn from the values of factors."""

from ._arm import render_arm
from ._room import render_room
from ._sprites import render_sprites

__all__ = ["render_arm", "render_room", "render_sprites"]
