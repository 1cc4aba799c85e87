"""Images drawn from the values of factors."""

from ._arm import render_arm
from ._room import render_room
from ._scenes import BACKGROUNDS, RADII, SceneObjects, extent, render_scenes
from ._sprites import render_sprites
from ._svg_paths import render_paths

__all__ = [
    "BACKGROUNDS",
    "RADII",
    "SceneObjects",
    "extent",
    "render_arm",
    "render_paths",
    "render_room",
    "render_scenes",
    "render_sprites",
]
