"""The parts of a picture: figures, axes, styles, names of lines and points, items."""
