"""Figures as PNG files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

DPI = 110


def save(figure: Figure, file: Path, *, dpi: int = DPI) -> None:
    """Write a figure in all its colours, without the transparent layer, and close it."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=dpi)
    plt.close(figure)
    Image.open(buffer).convert("RGB").save(file, optimize=True)
