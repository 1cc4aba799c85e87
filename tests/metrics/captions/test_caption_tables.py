"""Tables of all scores of captions: corpus scores on resamples, orientation rows, comparisons."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk.metrics import (
    Bootstrap,
    bleu,
    caption_scores,
    cider_d,
    compare,
    compare_captions,
    rouge_l,
)

from ..draws import few, seeds
from .test_captions import SETS, published_scores, written_by_people

SCORES = ["bleu_1", "bleu_2", "bleu_3", "bleu_4", "cider_d", "rouge_l"]
METRICS = [(bleu, {"n": 1}), (bleu, {"n": 2}), (bleu, {"n": 3}), (bleu, {"n": 4})]
METRICS += [(cider_d, {}), (rouge_l, {})]


def drawn_set(seed, n=12):
    """Captions, and one to three references of each, of a few words."""
    rng = np.random.default_rng(seed)

    def text():
        return " ".join(rng.choice(list("abcde"), rng.integers(1, 9)))

    return [text() for _ in range(n)], [[text() for _ in range(1 + i % 3)] for i in range(n)]


def test_values_agree_with_the_published_evaluation():
    captions, references = written_by_people()
    table = caption_scores(captions, references, ci=Bootstrap(n_resamples=20), tokenizer=str.split)
    found = table.loc[("all", "given"), "value"]
    assert found.index.tolist() == SCORES
    np.testing.assert_allclose(found, published_scores(captions, references), rtol=0, atol=1e-9)
    both = table["value"].unstack("captions")
    assert (both.loc["all", "given"] > both.loc["all", "shuffled"]).all()
    several = sum(len(texts) > 1 for texts in references)
    assert table["n_samples"].groupby("references").unique().to_dict() == {
        "all": [len(captions)],
        "all but one": [several],
    }


@given(seeds, st.booleans())
@few
def test_intervals_are_those_of_each_metric(seed, in_groups):
    captions, references = drawn_set(seed)
    ci = Bootstrap(0.9, n_resamples=30, random_state=3, groups=np.arange(12) // 3 * in_groups)
    if not in_groups:
        ci = Bootstrap(0.9, n_resamples=30, random_state=3)
    table = caption_scores(captions, references, ci=ci).loc[("all", "given")]
    for score, (metric, options) in zip(SCORES, METRICS, strict=True):
        expected = metric(captions, references, ci=ci, **options)
        found = table.loc[score, ["value", "low", "high"]].astype(float)
        np.testing.assert_allclose(found, list(expected), rtol=1e-9, atol=1e-12)
        assert found["low"] <= found["value"] <= found["high"]


@pytest.mark.parametrize("groups", [None, np.arange(12) // 4])
@given(seeds)
@few
def test_resamples_of_bleu_are_corpus_scores(groups, seed):
    """Each replicate is BLEU of the set of the drawn captions, shifted by the same number."""
    captions, references = drawn_set(seed)
    found = bleu(captions, references, n=2, ci=Bootstrap(n_resamples=10, groups=groups))
    units = [[i] for i in range(12)] if groups is None else np.arange(12).reshape(3, 4).tolist()
    draws = np.random.default_rng(0).integers(len(units), size=(10, len(units)))
    expected = []
    for draw in draws:
        rows = [row for unit in draw for row in units[unit]]
        drawn = [captions[i] for i in rows], [references[i] for i in rows]
        expected.append(bleu(*drawn, n=2))
    expected = np.array(expected)
    np.testing.assert_allclose(found.replicates - found.value, expected - expected.mean())


@given(st.integers(2, 20), seeds)
@few
def test_each_shuffled_caption_is_of_another_picture(n, seed):
    own = [f"word{i}" for i in range(n)]
    table = caption_scores(own, own, ci=Bootstrap(n_resamples=10), random_state=seed)
    given, shuffled = (table.loc[("all", who), "value"] for who in ("given", "shuffled"))
    assert list(given[["bleu_1", "rouge_l"]]) == pytest.approx([1, 1])
    assert shuffled["bleu_1"] == pytest.approx(0, abs=1e-6)
    assert shuffled["rouge_l"] == shuffled["cider_d"] == 0
    assert "all but one" not in table.index


def test_a_person_is_scored_against_the_references_that_are_left():
    references = [["a red cat", "red one"], ["two dogs", "dogs two"], ["a boat"]]
    captions = ["red one", "dogs two", "a boat"]
    persons = set()
    for seed in range(10):
        table = caption_scores(captions, references, random_state=seed)["value"].loc["all but one"]
        # of the first, "red" and of the second, both words are in the other reference
        assert table["person", "bleu_1"] in (
            pytest.approx(3 / 5),  # "a red cat" and two words
            pytest.approx(3 / 4 * np.exp(1 - 5 / 4)),  # "red one", which is shorter
        )
        persons.add(round(table["person", "bleu_1"], 6))
        assert table["given", "bleu_1"] in (pytest.approx(1), pytest.approx(3 / 4 * np.exp(-1 / 4)))
    assert len(persons) == 2
    full = caption_scores(captions, references)
    assert full.loc[("all", "given", "bleu_1"), "value"] == pytest.approx(1)
    assert full["n_samples"].groupby("references").first().tolist() == [3, 2]


def test_persons_of_one_group_have_no_interval_and_are_left_out():
    captions, references = ["a b", "b c", "c d"], [["a b", "a"], ["b c", "b"], ["c"]]
    groups = ["one", "one", "two"]
    table = caption_scores(captions, references, ci=Bootstrap(groups=groups))
    assert table.index.unique("references").tolist() == ["all"]


@given(SETS, st.randoms(use_true_random=False))
def test_the_order_of_pictures_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    ci = Bootstrap(n_resamples=10)
    found, other = (
        caption_scores(*zip(*each, strict=True), ci=ci).loc[("all", "given"), "value"]
        for each in (rows, shuffled)
    )
    np.testing.assert_allclose(found, other, rtol=0, atol=1e-9)


def test_the_same_seed_gives_the_same_table():
    captions, references = drawn_set(0)
    table = caption_scores(captions, references)
    pd.testing.assert_frame_equal(table, caption_scores(captions, references), check_exact=True)
    other = caption_scores(captions, references, random_state=1)
    same = table["value"] == other["value"]
    assert same[("all", "given")].all()
    assert not same[("all", "shuffled")].all()


@given(SETS)
@few
def test_a_system_does_not_differ_from_itself(rows):
    captions, references = zip(*rows, strict=True)
    found = compare_captions(captions, captions, references, ci=Bootstrap(n_resamples=20))
    assert (found[["difference", "low", "high"]] == 0).all(axis=None)
    assert (found["p_value"] == 1).all()


@given(seeds)
@few
def test_the_comparison_is_that_of_each_metric(seed):
    (a, references), (b, _) = drawn_set(seed), drawn_set(seed + 1)
    ci = Bootstrap(n_resamples=30, groups=np.arange(12) // 2)
    found = compare_captions(a, b, references, ci=ci)
    swapped = compare_captions(b, a, references, ci=ci)
    for score, (metric, options) in zip(SCORES, METRICS, strict=True):
        one = compare(metric, (a, references), (b, references), ci=ci, **options)
        expected = [one.a.value, one.b.value, one.difference, one.low, one.high]
        np.testing.assert_allclose(found.loc[score].iloc[:5], expected, rtol=1e-9, atol=1e-12)
        assert swapped.loc[score, "difference"] == -found.loc[score, "difference"]


def test_a_better_system_is_found():
    captions, references = written_by_people()
    captions, references = captions[:300], references[:300]
    half = [text if i % 2 else "picture" for i, text in enumerate(captions)]
    found = compare_captions(captions, half, references)
    assert (found["low"] > 0).all()
    assert (found["p_value"] < 0.01).all()


@pytest.mark.parametrize("call", [caption_scores, lambda a, b, **k: compare_captions(a, a, b, **k)])
@pytest.mark.parametrize(
    ("captions", "references", "options", "error", "message"),
    [
        (["a", "b"], [["a"]], {}, ValueError, "got 2 captions and references of 1"),
        (["a", None], ["a", "b"], {}, TypeError, "caption 1 must be a string"),
        (["a"], ["a"], {}, ValueError, "needs at least 2, got 1"),
        (["a", "b"], ["a", "b"], {"ci": 1.5}, ValueError, r"level of an interval \(ci\)"),
        (
            ["a", "b"],
            ["a", "b"],
            {"ci": Bootstrap(groups=[0, 0, 1])},
            ValueError,
            "groups of Bootstrap must have one label per row, got 3 for 2 rows",
        ),
        (
            pd.Series(["a", "b"], index=["x", "y"]),
            pd.Series(["b", "a"], index=["y", "x"]),
            {},
            ValueError,
            "references has the row names of (captions|a) in another order",
        ),
    ],
)
def test_other_input_is_refused(call, captions, references, options, error, message):
    with pytest.raises(error, match=message):
        call(captions, references, **options)


def test_the_seed_is_checked():
    with pytest.raises(TypeError, match="random_state must be an integer"):
        caption_scores(["a", "b"], ["a", "b"], random_state=None)


@pytest.mark.slow
def test_intervals_cover_the_value_of_the_population():
    """Of 400 samples of 40 groups from a population, some 95 % of intervals cover its BLEU.

    Captions of one group are about as good as each other, as those of one creator's drawings.
    """
    rng = np.random.default_rng(0)
    n_groups, size, wanted = 3000, 4, 40
    quality = np.repeat(rng.random(n_groups), size)
    words = rng.integers(60, size=(len(quality), 7))

    def texts(share):
        """Return texts of 4 to 7 words, a share of which are those of the sample."""
        kept = rng.random(words.shape) < share[:, None]
        rows = np.where(kept, words, rng.integers(60, size=words.shape))
        lengths = rng.integers(4, 8, size=len(rows))
        return [" ".join(map(str, row[:n])) for row, n in zip(rows, lengths, strict=True)]

    captions, same = texts(quality), np.full(len(quality), 0.9)
    references = list(zip(texts(same), texts(same), strict=True))
    truth = bleu(captions, references, n=2)
    groups, covered, alone = np.repeat(np.arange(wanted), size), [], []
    for _ in range(400):
        drawn = rng.choice(n_groups, wanted, replace=False)
        rows = (drawn[:, None] * size + np.arange(size)).ravel()
        some = [captions[i] for i in rows], [references[i] for i in rows]
        for found, kind in ((covered, groups), (alone, None)):
            _, low, high = bleu(*some, n=2, ci=Bootstrap(n_resamples=400, groups=kind))
            found.append(low <= truth <= high)
    assert 0.91 <= np.mean(covered) <= 0.98
    assert np.mean(alone) < 0.8  # intervals of single captions are too short


def test_a_table_has_the_references_of_its_rows():
    captions, people = ["a red cat", "a dog"], [["a cat", "red cat"], ["a dog", "one dog"]]
    table = pd.DataFrame(people, columns=["first", "second"])
    pd.testing.assert_frame_equal(caption_scores(captions, table), caption_scores(captions, people))


def test_captions_without_an_order_are_refused():
    captions, people = ["a red cat", "a dog"], [["a cat", "red cat"], ["a dog", "one dog"]]
    with pytest.raises(TypeError, match="captions must be a list"):
        caption_scores(set(captions), people)
    with pytest.raises(TypeError, match="references must be a list"):
        caption_scores(captions, dict(enumerate(people)))
    with pytest.raises(TypeError, match="references of caption 0 must be a list"):
        caption_scores(captions, [set(each) for each in people])
