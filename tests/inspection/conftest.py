from collections.abc import Iterator
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from mibsk import ClassPairs, IBAligner

mpl.use("Agg")


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


@pytest.fixture
def check_saved(tmp_path):
    """Save a Display's figure at its defaults; it must fit a page and not be empty."""
    import matplotlib.pyplot as plt

    def check(display) -> None:
        path = tmp_path / "figure.png"
        display.figure_.savefig(path)
        pixels = plt.imread(path)
        assert pixels.shape[1] <= 1200
        assert pixels[..., :3].std() > 0.01
        assert display.figure_.dpi == 110

    return check


def drawn_texts(figure) -> list[Text]:
    """Return the visible texts of a figure; ticks outside the limits are not drawn."""
    hidden = set()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low - slack <= tick.get_loc() <= high + slack:
                    hidden |= {tick.label1, tick.label2}
    found = figure.findobj(Text)
    return [t for t in found if t not in hidden and t.get_visible() and t.get_text()]


@pytest.fixture
def check_inside():
    """Check that every text of a drawn figure is inside it, and that no two overlap."""

    def check(display) -> None:
        figure = display.figure_
        figure.draw_without_rendering()
        page = figure.bbox.padded(1)
        # the method of the base class leaves out the arrows of annotations
        boxes = {t: Text.get_window_extent(t) for t in drawn_texts(figure)}
        for text, box in boxes.items():
            cut = not (page.contains(box.x0, box.y0) and page.contains(box.x1, box.y1))
            assert not cut, f"{text.get_text()!r} is cut off: {box} in {page}"
        for (text, box), (other, other_box) in combinations(boxes.items(), 2):
            overlap = box.padded(-1).overlaps(other_box.padded(-1))
            assert not overlap, f"{text.get_text()!r} overlaps {other.get_text()!r}"

    return check


@pytest.fixture(params=["default", "dark_background"])
def style(request) -> Iterator[str]:
    """Draw in light and in dark."""
    import matplotlib.pyplot as plt

    with plt.style.context(request.param):
        yield request.param


@pytest.fixture(scope="session")
def bunch():
    """Sixty pairs of two modalities that share a class; only "sound" carries the speaker."""
    rng = np.random.default_rng(0)
    digit, speaker = np.arange(60) % 3, np.arange(60) // 3 % 2
    sound = np.c_[np.eye(3)[digit], 2.0 * speaker, np.ones(60)]
    data = {
        "sound": sound + 0.1 * rng.standard_normal((60, 5)),
        "image": np.eye(4)[digit] + 0.1 * rng.standard_normal((60, 4)),
    }
    labels = {
        "sound": pd.DataFrame({"digit": digit, "speaker": speaker}),
        "image": pd.DataFrame({"digit": digit}),
    }
    return Bunch(data=data, labels=labels, digit=digit)


@pytest.fixture(scope="session")
def aligner(bunch):
    """An aligner, trained for two epochs."""
    params = {"n_components": 4, "max_epochs": 2, "batch_size": 20, "random_state": 0}
    return IBAligner(beta=1.0, **params).fit(bunch.data)


@pytest.fixture(scope="session")
def of_table(bunch):
    """A pipeline that ends with an aligner, and the table it was fitted on."""
    table = np.hstack(list(bunch.data.values()))
    columns = {"sound": slice(0, 5), "image": slice(5, 9)}
    last = IBAligner(columns, n_components=4, max_epochs=1, batch_size=20, random_state=0)
    return make_pipeline(StandardScaler(), last).fit(table), table


@pytest.fixture(scope="session")
def class_pairs(bunch):
    """Twenty sounds, paired by digit with all images, and an aligner fitted on them."""
    sound, image = bunch.data.values()
    pairs = ClassPairs(
        {"sound": (sound[:20], bunch.digit[:20]), "image": (image, bunch.digit)}, anchor="sound"
    )
    params = {"n_components": 4, "max_epochs": 1, "batch_size": 10, "random_state": 0}
    return pairs, IBAligner(**params).fit(pairs)
