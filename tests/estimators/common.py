"""What tests of several estimators share beside the fixtures."""

import torch

CUT = {"audio": slice(0, 5), "image": slice(5, 9)}  # the columns of the fixture `table`


class Items(torch.utils.data.Dataset):
    """The rows of a mapping of arrays, one at a time."""

    def __init__(self, mapping):
        self.mapping = mapping

    def __len__(self):
        return len(next(iter(self.mapping.values())))

    def __getitem__(self, index):
        return {name: X[index] for name, X in self.mapping.items()}


def without_times(history):
    """Return a history without the seconds of its epochs."""
    return [{key: value for key, value in epoch.items() if key != "dur"} for epoch in history]


def assert_same_weights(one, other):
    """Fail unless two aligners have the same parameters and buffers, bit for bit."""
    weights, others = one.module_.state_dict(), other.module_.state_dict()
    assert list(weights) == list(others)
    for name, value in weights.items():
        assert torch.equal(value, others[name]), name
