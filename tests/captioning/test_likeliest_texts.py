"""Beam search over functions that score the next token."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mibsk.captioning import likeliest_texts, likeliest_tokens

BEGIN, END = 1, 2


class Source:
    """Texts in which the probabilities of a token depend on the picture and the two before.

    It sees only the rows and tokens that it is given, so it notices if they are mixed up.
    """

    def __init__(self, n, n_tokens, seed, *, levels=None):
        rng = np.random.default_rng(seed)
        scores = rng.gumbel(size=(n, n_tokens, n_tokens, n_tokens))
        if levels is not None:  # few different values: many ties
            scores = rng.integers(levels, size=scores.shape).astype(float)
        p = np.exp(scores)
        p[..., 0] = 0
        with np.errstate(divide="ignore"):
            self.log_p = np.log(p / p.sum(-1, keepdims=True))
        self.states = [(i, 0) for i in range(n)]
        self.sizes = []

    def __call__(self, rows, tokens, k):
        self.sizes.append(len(rows))
        before = [self.states[row] for row in rows]
        self.states = [(i, int(t)) for (i, _), t in zip(before, tokens, strict=True)]
        found = np.array([self.log_p[i, t, u] for (i, t), u in zip(before, tokens, strict=True)])
        words = np.argsort(-found, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(found, words, 1), words


def plain_beam_search(log_p, *, n_beams, longest, penalty):
    """The text of one picture, in lists; every unfinished text is extended up to the longest."""
    beams, finished = [(0.0, (BEGIN,))], []
    for step in range(longest):
        extended = [
            (total + log_p[(0, *text)[-2], text[-1], word], (*text, word))
            for total, text in beams
            for word in range(log_p.shape[0])
        ]
        ranks = {text: rank for rank, (_, text) in enumerate(beams)}
        extended.sort(key=lambda pair: (-pair[0], ranks[pair[1][:-1]], pair[1][-1]))
        extended = extended[: 2 * n_beams]
        for rank, (total, text) in enumerate(extended):
            is_end = text[-1] == END or step == longest - 1
            if is_end and rank < n_beams and total > -np.inf:
                finished.append((total / (step + 1) ** penalty, text[1:]))
        beams = [pair for pair in extended if pair[1][-1] != END][:n_beams]
    score = max(score for score, _ in finished)
    return next(text for each, text in finished if each == score), score


@pytest.mark.parametrize("levels", [None, 2])
@given(
    seed=st.integers(0, 10_000),
    n_beams=st.integers(1, 5),
    longest=st.integers(1, 5),
    penalty=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_texts_are_those_of_a_plain_search(levels, seed, n_beams, longest, penalty):
    source = Source(3, 6, seed, levels=levels)
    tokens, scores = likeliest_texts(
        source,
        3,
        begin=BEGIN,
        end=END,
        n_beams=n_beams,
        longest=longest,
        length_penalty=penalty,
    )
    for i in range(3):
        text, score = plain_beam_search(
            source.log_p[i], n_beams=n_beams, longest=longest, penalty=penalty
        )
        assert scores[i] == pytest.approx(score, abs=1e-12)
        assert tuple(t for t in tokens[i] if t) == text


def test_pictures_that_are_done_are_left_out():
    source = Source(2, 5, 0)
    source.log_p[0, :, :, :] = np.log([1e-9, 1e-9, 1 - 4e-9, 1e-9, 1e-9])  # ends at once
    source.log_p[1, :, :, END] = -30.0
    settings = {"begin": BEGIN, "end": END, "longest": 6, "length_penalty": 1.0}
    tokens, _ = likeliest_texts(source, 2, n_beams=3, **settings)
    assert [t for t in tokens[0] if t] == [END]
    assert source.sizes == [2, 3, 3, 3, 3, 3]


def test_no_pictures():
    def none(rows, tokens, k):
        return np.zeros((len(rows), k)), np.zeros((len(rows), k), np.int64)

    tokens, scores = likeliest_texts(
        none, 0, begin=BEGIN, end=END, n_beams=3, longest=4, length_penalty=1.0
    )
    assert (tokens.shape, scores.shape) == ((0, 1), (0,))


@given(seed=st.integers(0, 1000))
def test_more_beams_than_texts_find_the_likeliest(seed):
    source = Source(1, 4, seed)
    _, scores = likeliest_texts(
        source, 1, begin=BEGIN, end=END, n_beams=100, longest=3, length_penalty=1.0
    )
    words = (1, 3)
    texts = [
        (*text, *end)
        for length in range(3)
        for text in itertools.product(words, repeat=length)
        for end in ((END,), *([(1,), (3,)] if length == 2 else []))
    ]

    def score(text):
        before = (0, BEGIN, *text)
        steps = zip(before, before[1:], text, strict=False)
        return sum(source.log_p[0, a, b, c] for a, b, c in steps) / len(text)

    assert scores[0] == pytest.approx(max(map(score, texts)), abs=1e-12)


@pytest.mark.parametrize("of", [np.asarray, torch.as_tensor])
def test_the_likeliest_tokens_are_the_first_of_equal_ones_without_padding(of):
    p = np.array([[0.5, 0.1, 0.1, 0.2, 0.1], [0.2, 0.2, 0.2, 0.2, 0.2]])
    log_p, tokens = likeliest_tokens(of(np.log(p) + 7), 3)
    assert tokens.tolist() == [[3, 1, 2], [1, 2, 3]]
    np.testing.assert_allclose(np.exp(np.asarray(log_p)), [[0.2, 0.1, 0.1], [0.2, 0.2, 0.2]])
    log_p, tokens = likeliest_tokens(of(np.log(p)), 9)
    assert tokens.shape == (2, 5)
    assert log_p[0, 4] == -np.inf


def test_scores_far_apart_do_not_overflow():
    log_p, tokens = likeliest_tokens(np.array([[0.0, -800.0, 800.0]], np.float32), 2)
    assert tokens.tolist() == [[2, 1]]
    assert log_p.tolist() == [[0.0, -1600.0]]
