"""The pictures of the docs: each can be drawn again, has all its colours, and is shown."""

from pathlib import Path

import pytest
from PIL import Image

from benchmarks.pictures import REPORT, drawings

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ["icon-search", "search-page", "search-page-phone"]  # of a page, in a browser
OF_A_PIPELINE = ["captions-scenes"]  # drawn by a training
IMAGES = sorted((ROOT / "docs" / "images").iterdir())


def test_each_can_be_drawn():
    assert sorted(file.stem for file in IMAGES) == sorted(
        [*drawings(), REPORT, *SCREENSHOTS, *OF_A_PIPELINE]
    )


@pytest.mark.parametrize("file", IMAGES, ids=lambda file: file.stem)
def test_is_in_full_colours_and_shown(file):
    with Image.open(file) as image:
        assert image.mode == "RGB"
        assert image.width <= 1200
    assert file.stat().st_size < 300_000
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    assert any(f"images/{file.name}" in page.read_text() for page in pages)
