"""Data that come one pair after the other: a torch IterableDataset."""

import numpy as np
import pytest
from torch.utils.data import IterableDataset

from mibsk import IBAligner


class Stream(IterableDataset):
    """The rows of some views, in their order; records the epochs passed to `set_epoch`."""

    def __init__(self, views, n_items=None):
        self.views, self.n_items, self.epochs = views, n_items, []

    def set_epoch(self, epoch):
        self.epochs.append(epoch)

    def __iter__(self):
        n_items = len(self.views) if self.n_items is None else self.n_items
        for i in range(n_items):
            yield {name: X[i] for name, X in self.views.items()}


class Once(IterableDataset):
    """Gives its items a single time."""

    def __init__(self, items):
        self.items = iter(items)

    def __iter__(self):
        return self.items


def sizes(aligner_params, stream):
    """Numbers of pairs in the batches of training."""
    from skorch.callbacks import Callback

    seen = []

    class Sizes(Callback):
        def on_batch_begin(self, net, batch, training, **kwargs):
            seen.append(len(batch["audio"]))

    aligner = IBAligner(n_components=4, max_epochs=1, random_state=0, callbacks=[Sizes()])
    aligner.set_params(**aligner_params).fit(stream)
    return seen


def test_learns_and_embeds_like_the_mapping_in_that_order(views, quick):
    """In one batch the order does not matter, but for rounding."""
    stream = Stream(views)
    params = {"encoders": "mlp", "batch_size": -1, "max_epochs": 3}
    streamed, whole = quick(**params).fit(stream), quick(**params).fit(views)
    assert stream.epochs == [0, 1, 2]
    np.testing.assert_allclose(streamed.transform(stream), whole.transform(views), atol=1e-3)
    np.testing.assert_array_equal(streamed.transform(stream), streamed.transform(views))


def test_same_seed_same_model(views, quick):
    first, second = (quick().fit(Stream(views)).transform(views) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("n_items", "batch_size", "expected"),
    [
        (48, 16, [16, 16, 16]),
        (40, 16, [16, 16, 8]),
        (33, 16, [16, 17]),  # no batch of one pair
        (3, 2, [3]),
        (10, 16, [10]),
        (48, -1, [48]),
    ],
)
def test_batches(views, n_items, batch_size, expected):
    assert sizes({"batch_size": batch_size}, Stream(views, n_items)) == expected


def test_partial_fit_and_warm_start_continue_with_the_next_epoch(views, quick):
    stream = Stream(views)
    aligner = quick(max_epochs=1, warm_start=True).fit(stream).fit(stream).partial_fit(stream)
    assert stream.epochs == [0, 1, 2]
    expected = quick(max_epochs=3).fit(Stream(views))
    np.testing.assert_array_equal(aligner.transform(views), expected.transform(views))


def test_scaling_of_what_comes_first(quick):
    rng = np.random.default_rng(0)
    data = {name: rng.normal(size=(5000, 2)) for name in "ab"}
    data["a"][4096:] += 1000
    stream = Stream(data)
    stream.n_items = 5000
    aligner = quick(max_epochs=1, batch_size=1000).fit(stream)
    mean = aligner.module_.encoder("a").scaling.mean
    np.testing.assert_allclose(mean, data["a"][:4096].mean(axis=0), atol=1e-5)


@pytest.mark.parametrize(
    ("stream", "error", "message"),
    [
        (lambda v: Stream(v, 0), ValueError, "at least one item"),
        (lambda v: Stream(v, 1), ValueError, "1 sample"),
        (
            lambda v: Once([{"audio": [i], "image": [-i]} for i in range(9)]),
            ValueError,
            "must restart",
        ),
        (lambda v: Once([(1, 2)] * 9), TypeError, "must yield mappings"),
        (lambda v: Once([{"audio": [1.0]}] * 9), ValueError, "at least two modalities"),
        (
            lambda v: Stream({"audio": v["audio"], "image": v["image"] * np.nan}, 9),
            ValueError,
            "'image' is present in 0 of 9 rows in a sample of the Dataset",
        ),
        (
            lambda v: Once([{"audio": [1.0, i], "image": [1.0, np.nan]} for i in range(9)]),
            ValueError,
            "'image' contains NaN",
        ),
    ],
)
def test_bad_streams(views, quick, stream, error, message):
    with pytest.raises(error, match=message):
        quick().fit(stream(views))


def test_none_is_set_aside(views, quick):
    with pytest.raises(ValueError, match="which an IterableDataset does not support"):
        quick(early_stopping=True).fit(Stream(views))


def test_empty_stream_after_fit(views, quick):
    with pytest.raises(ValueError, match="at least one item"):
        quick().fit(views).transform(Stream(views, 0))
