"""Words that small networks find in pictures, as features of these pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from .convolutions import feature_map

AT_A_TIME = 256  # pictures that are read together

Features = NDArray[np.float32]


class DetectedWords(TransformerMixin, BaseEstimator):
    r"""Scores of words in pictures, by networks that were trained on pictures of other groups.

    The score of word :math:`w` is :math:`s_w = \max_p a_w^\top h_p + b_w^\top \bar h`, with
    :math:`h_p` the features of a place of the picture, and :math:`\bar h` their mean; the loss is
    the binary cross-entropy of the words of its texts (compare Fang et al., CVPR 2015). Training
    pictures are shifted at random.

    As in scikit-learn's `TargetEncoder`, :meth:`fit_transform` is cross-fitted: the scores of a
    training picture are those of a network that has not seen pictures of its group, since those of
    a network that has would be far better than those of any new picture. :meth:`transform` has the
    means over all networks. Features are :math:`s` and :math:`\sqrt{\sigma(s)}`, of equal total
    variance on the training pictures.

    Parameters
    ----------
    n_folds : int, default=3
        Number of networks.
    max_epochs, batch_size : int, default=20, 96
        Of each training.
    lr : float, default=6e-3
        Largest learning rate, of one cycle.
    shift : int, default=3
        Largest shift in pixels, down or right.
    min_count : int, default=8
        Words of fewer pictures are left out.
    random_state : int, default=0
        Seed.
    """

    def __init__(
        self,
        n_folds: int = 3,
        max_epochs: int = 20,
        batch_size: int = 96,
        lr: float = 6e-3,
        shift: int = 3,
        min_count: int = 8,
        random_state: int = 0,
    ) -> None:
        self.n_folds = n_folds
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.shift = shift
        self.min_count = min_count
        self.random_state = random_state

    def fit(
        self, images: NDArray[np.uint8], texts: Sequence[str], groups: NDArray[np.intp]
    ) -> Self:
        """Train on pictures (n, h, w) with all words of each in one text, and their groups."""
        self.fit_transform(images, texts, groups)
        return self

    def fit_transform(
        self, images: NDArray[np.uint8], texts: Sequence[str], groups: NDArray[np.intp]
    ) -> Features:
        """Train, and return the cross-fitted features (n, 2 n_words) of the training pictures."""
        counter = CountVectorizer(binary=True, token_pattern=r"\w+", min_df=self.min_count)
        words = torch.from_numpy(counter.fit_transform(texts).toarray()).float()
        _, number = np.unique(groups, return_inverse=True)
        rng = np.random.default_rng(self.random_state)
        fold = rng.permutation(number.max() + 1)[number] % self.n_folds
        inputs = _as_input(images)
        scores = np.empty(words.shape, dtype=np.float32)
        self.networks_ = []
        for k in range(self.n_folds):
            network = self._trained(inputs[fold != k], words[fold != k], rng)
            scores[fold == k] = _scores(network, inputs[fold == k])
            self.networks_.append(network)
        blocks = _blocks(scores)
        self.means_ = [block.mean(axis=0) for block in blocks]
        self.scales_ = [float(np.sqrt(block.var(axis=0).sum())) for block in blocks]
        return self._features(scores)

    def transform(self, images: NDArray[np.uint8]) -> Features:
        """Return the features (n, 2 n_words) of pictures of other groups."""
        inputs = _as_input(images)
        return self._features(
            np.mean([_scores(network, inputs) for network in self.networks_], axis=0)
        )

    def _features(self, scores: Features) -> Features:
        scaled = [
            (block - mean) / scale
            for block, mean, scale in zip(_blocks(scores), self.means_, self.scales_, strict=True)
        ]
        return np.hstack(scaled).astype(np.float32)

    def _trained(self, inputs: Tensor, words: Tensor, rng: np.random.Generator) -> WordScores:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))
            network = WordScores(words.shape[1])
        with torch.no_grad():
            network.of_mean.bias.copy_(words.mean(0).clamp(1e-3, 1 - 1e-3).logit())
        n_batches = len(inputs) // self.batch_size
        optimizer = torch.optim.AdamW(network.parameters(), lr=self.lr)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.lr, total_steps=self.max_epochs * n_batches
        )
        for _ in range(self.max_epochs):
            for rows in rng.permutation(len(inputs))[: n_batches * self.batch_size].reshape(
                n_batches, -1
            ):
                down, right = rng.integers(-self.shift, self.shift + 1, 2).tolist()
                moved = inputs[rows].roll((down, right), (2, 3))
                loss = binary_cross_entropy_with_logits(
                    network(moved), words[rows], reduction="sum"
                )
                optimizer.zero_grad()
                (loss / len(rows)).backward()
                optimizer.step()
                schedule.step()
        return network.eval().requires_grad_(False)


class WordScores(nn.Module):
    """Network from pictures (n, 1, h, w) to scores of words (n, n_words)."""

    def __init__(self, n_words: int, width: int = 128) -> None:
        super().__init__()
        self.features = feature_map(1, width)
        self.of_place = nn.Conv2d(width, n_words, 1, bias=False)
        self.of_mean = nn.Linear(width, n_words)
        with torch.no_grad():
            self.of_place.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores."""
        h = self.features(x.contiguous(memory_format=torch.channels_last))  # faster on a CPU
        return self.of_place(h).amax((2, 3)) + self.of_mean(h.mean((2, 3)))


def _as_input(images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images))[:, None].float() / 255


def _scores(network: WordScores, inputs: Tensor) -> Features:
    return torch.cat([network(part) for part in inputs.split(AT_A_TIME)]).numpy()


def _blocks(scores: Features) -> tuple[Features, Features]:
    return scores, np.sqrt(1 / (1 + np.exp(-scores)))
