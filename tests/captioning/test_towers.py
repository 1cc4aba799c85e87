"""Encoders of pictures and captions that share a querying transformer, trained by an aligner."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from mibsk import IBAligner
from mibsk.captioning import (
    BEGIN,
    CAPTION,
    END,
    PICTURE,
    CaptionTokenizer,
    QFormerTowers,
    beam_search,
    hard_negatives,
)
from mibsk.data import Batch

# each caption occurs several times on purpose
pytestmark = [
    pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning"),
    pytest.mark.filterwarnings("ignore::mibsk.exceptions.LargeGroupsWarning"),
]

COLOURS, THINGS = ("red", "green", "blue"), ("cat", "dog", "boat", "tree")
RNG = np.random.default_rng(0)
KINDS = [(c, t) for c in range(3) for t in range(4)] * 12
WORDS = [f"a {COLOURS[c]} {THINGS[t]}" for c, t in KINDS]


def pictures(kinds):
    """Features of 3 patches: one shows the colour, one the thing, one nothing that is told."""
    features = RNG.normal(scale=0.1, size=(len(kinds), 3, 8)).astype(np.float32)
    for row, (c, t) in zip(features, kinds, strict=True):
        row[0, c] += 1
        row[1, 3 + t] += 1
    return features


TOKENIZER = CaptionTokenizer.learn(WORDS, n_tokens=40)
TOKENS = TOKENIZER.encode(WORDS, max_length=8).astype(np.float32)
X = {PICTURE: pictures(KINDS), CAPTION: TOKENS}
GROUPS = np.array([4 * c + t for c, t in KINDS])


def towers(**options):
    small = {"n_queries": 4, "width": 32, "n_layers": 2, "n_heads": 2, "max_length": 9}
    return QFormerTowers(TOKENIZER.n_tokens, **small | {"dropout": 0.0} | options)


def fitted(encoders, **params):
    defaults = {"n_components": 8, "batch_size": 36, "random_state": 0, "bottleneck": None}
    aligner = IBAligner(encoders=encoders, same_group="ignored", **defaults | params)
    return aligner.fit(X, groups=GROUPS)


def test_it_learns_to_say_what_it_sees():
    aligner = fitted(towers(width=64), max_epochs=40, lr=2e-3, batch_size=18)
    tower = aligner.module_.encoder(PICTURE).backbone
    assert tower.qformer is aligner.module_.encoder(CAPTION).backbone.qformer
    kinds = [(c, t) for c in range(3) for t in range(4)]
    with torch.no_grad():
        memory = tower.memory_of(torch.from_numpy(pictures(kinds)))
        tokens, _ = beam_search(tower.qformer, memory, begin=BEGIN, end=END)
    said = TOKENIZER.decode(tokens.numpy())
    right = [f"a {COLOURS[c]} {THINGS[t]}" for c, t in kinds]
    assert sum(a == b for a, b in zip(said, right, strict=True)) >= 8  # 1 by chance


def test_losses_are_left_out_by_their_weight():
    both = fitted(towers(matching=1.0), max_epochs=1)
    assert both.loss_terms_ == ["sufficiency", "minimality", "captioning", "matching"]
    assert list(towers(captioning=0.0).terms()) == []


def test_a_refit_is_the_same_bit_for_bit():
    a, b = (fitted(towers(matching=0.5, dropout=0.1), max_epochs=2) for _ in range(2))
    np.testing.assert_array_equal(a.transform(X), b.transform(X))


@torch.no_grad()
def test_the_loss_of_captions_is_that_of_the_tokens():
    torch.manual_seed(0)
    joint = towers(label_smoothing=0.0, captioning=2.0)
    modules = joint({PICTURE: (3, 8), CAPTION: TOKENS.shape[1:]}, 8)
    rows = {name: torch.from_numpy(X[name][:5]) for name in X}
    for each in modules.values():
        each.eval()
    found = joint.terms()["captioning"](modules, rows, {})
    qformer, tokens = modules[PICTURE].qformer, rows[CAPTION].long()
    total, n = 0.0, 0
    for i in range(5):
        _, memory = qformer.look(modules[PICTURE].norm(rows[PICTURE][i : i + 1]))
        length = int((tokens[i] > 0).sum())
        logits, _ = qformer.write(tokens[i : i + 1, : length - 1], memory)
        total += float(cross_entropy(logits[0], tokens[i, 1:length], reduction="sum"))
        n += length - 1
    assert float(found) == pytest.approx(2 * total / n, rel=1e-5)


def test_the_queries_of_the_last_batch_are_not_computed_twice():
    modules = towers()({PICTURE: (3, 8), CAPTION: (6,)}, 8)
    tower, rows = modules[PICTURE].eval(), torch.from_numpy(X[PICTURE][:4])
    tower(rows)
    kept = tower.memory_of(rows)
    again = tower.memory_of(rows)  # it is kept once
    assert kept is not again
    for (a, b), (c, d) in zip(kept, again, strict=True):
        torch.testing.assert_close(a, c)
        torch.testing.assert_close(b, d)
    tower(rows)
    other = tower.memory_of(rows + 1)
    assert not torch.equal(other[-1][0], again[-1][0])


def test_hard_negatives_are_wrong_and_similar():
    Z = torch.nn.functional.normalize(torch.randn(60, 8, generator=torch.manual_seed(0)), dim=1)
    groups = torch.arange(60) // 2
    captions, pictures = hard_negatives(Z, Z, groups)
    assert (groups[captions] != groups).all()
    assert (groups[pictures] != groups).all()
    chosen = (Z * Z[captions]).sum(1).mean()
    wrong = groups[:, None] != groups
    assert chosen > (Z @ Z.T)[wrong].mean() + 0.3
    alone, _ = hard_negatives(Z[:2], Z[:2], torch.zeros(2, dtype=torch.int64))
    assert alone.tolist() == [0, 1]


def test_padding_is_left_out_in_training():
    torch.manual_seed(0)
    joint = towers(matching=1.0)
    modules = joint({PICTURE: (3, 8), CAPTION: (9,)}, 8)
    short = torch.from_numpy(TOKENS[:6])
    long = torch.nn.functional.pad(short, (0, 9 - short.shape[1]))
    features = torch.from_numpy(X[PICTURE][:6])
    losses, texts = [], []
    for tokens in (short, long):
        rows = Batch({PICTURE: features, CAPTION: tokens})
        Z = {name: modules[name](rows[name]) for name in rows}
        torch.manual_seed(1)  # of the negatives
        losses.append([term(modules, rows, Z).item() for term in joint.terms().values()])
        texts.append(Z[CAPTION])
    assert losses[0] == losses[1]
    assert torch.equal(*texts)
    modules[CAPTION].eval()
    torch.testing.assert_close(modules[CAPTION](long), texts[0])
