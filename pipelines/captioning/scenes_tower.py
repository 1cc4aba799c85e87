"""Image encoder of rendered scenes: a small network that finds the words of captions in places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils import check_random_state
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from .convolutions import feature_map

AT_A_TIME = 256  # pictures that are encoded together
MIN_COUNT = 20  # captions that have a word


class WordDetector:
    r"""Convolutions whose features tell the words of captions, as in section 3 of [1]_.

    A linear layer scores each word at each place of the feature map, and the score of a picture is
    the largest one (multiple-instance learning). Trained on pairs of pictures and captions alone,
    it learns where things are without being told. The feature map below the scores is what a fixed
    image encoder gives to the captioner.

    Parameters
    ----------
    width : int, default=128
        Channels of the feature map.
    max_epochs : int, default=7
        Number of epochs.
    batch_size : int, default=64
        Number of pictures of a batch.
    lr : float, default=4e-3
        Largest learning rate, of one cycle.
    random_state : int, default=0
        Seed.

    References
    ----------
    .. [1] Fang et al., "From Captions to Visual Concepts and Back", CVPR 2015.
    """

    def __init__(
        self,
        *,
        width: int = 128,
        max_epochs: int = 7,
        batch_size: int = 64,
        lr: float = 4e-3,
        random_state: int = 0,
    ) -> None:
        self.width = width
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.random_state = random_state

    def fit(self, images: NDArray[np.uint8], captions: Sequence[Sequence[str]]) -> WordDetector:
        """Train on pictures (n, height, width, 3) with the captions of each."""
        words = share_of_words(captions)  # n, n_words
        rng = check_random_state(self.random_state)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            net = feature_map(3, self.width)
            score = nn.Conv2d(self.width, words.shape[1], 1)
        score.bias = nn.Parameter(words.mean(0).logit(eps=1e-3))
        weights = [*net.parameters(), *score.parameters()]
        n_batches = -(-len(images) // self.batch_size)
        optimizer = torch.optim.Adam(weights, lr=self.lr)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.lr, total_steps=self.max_epochs * n_batches
        )
        for _ in range(self.max_epochs):
            for rows in np.array_split(rng.permutation(len(images)), n_batches):
                scores = score(net(_as_input(images[rows]))).amax((2, 3))
                loss = binary_cross_entropy_with_logits(scores, words[rows], reduction="sum")
                optimizer.zero_grad()
                (loss / len(rows)).backward()
                optimizer.step()
                schedule.step()
        self.net_ = net.eval().requires_grad_(False)
        return self

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the feature maps of pictures, (n, height / 8, width / 8, n_channels)."""
        parts = [
            self.net_(_as_input(images[start : start + AT_A_TIME])).permute(0, 2, 3, 1).numpy()
            for start in range(0, len(images), AT_A_TIME)
        ]
        return np.concatenate(parts)


def share_of_words(captions: Sequence[Sequence[str]]) -> Tensor:
    """Return the share of the captions of each picture that have each word, (n, n_words).

    Examples
    --------
    >>> share_of_words([["a cat", "cat"]] * 20)
    tensor([[0.5000, 1.0000],
    ...
    """
    counter = CountVectorizer(binary=True, token_pattern=r"\w+", min_df=MIN_COUNT)
    counter.fit([text for texts in captions for text in texts])
    shares = np.stack([np.asarray(counter.transform(texts).mean(axis=0))[0] for texts in captions])
    return torch.from_numpy(shares).float()


def _as_input(images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - 0.5
