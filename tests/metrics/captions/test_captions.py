"""BLEU, CIDEr-D and ROUGE-L: hand values, laws, and agreement with the published evaluation."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk.metrics import Bootstrap, bleu, caption_tokens, cider_d, compare, rouge_l
from mibsk.metrics.captions._rouge import longest_common_subsequence

METRICS = (bleu, cider_d, rouge_l)
WORDS = st.lists(st.sampled_from("abcde"), max_size=9).map(" ".join)
REFERENCES = st.lists(WORDS.filter(bool), min_size=1, max_size=3)
SETS = st.lists(st.tuples(WORDS, REFERENCES), min_size=2, max_size=8)


def published_scores(captions, references):
    """BLEU@1 to @4, CIDEr-D and ROUGE-L of the published evaluation, of texts split at spaces."""
    pytest.importorskip("pycocoevalcap", reason="the published evaluation is not installed")
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    truth = dict(enumerate(references))
    given = {i: [text] for i, text in enumerate(captions)}
    return (
        *Bleu(4).compute_score(truth, given, verbose=0)[0],
        Cider().compute_score(truth, given)[0],
        Rouge().compute_score(truth, given)[0],
    )


def own_scores(captions, references):
    return (
        *(bleu(captions, references, n=n, tokenizer=str.split) for n in range(1, 5)),
        cider_d(captions, references, tokenizer=str.split),
        rouge_l(captions, references, tokenizer=str.split),
    )


def written_by_people():
    """One text of each drawing as the caption, and its other texts as references."""
    folder = os.environ.get("MIBSK_DATA")
    file = Path(folder or "") / "openclipart" / "captions.json"
    if not folder or not file.is_file():
        pytest.skip("no folder of real data with openclipart: set MIBSK_DATA")
    texts = [
        [" ".join(caption_tokens(text)) for text in each["captions"]]
        for each in json.loads(file.read_text())
    ]
    texts = [[text for text in each if text] for each in texts]
    texts = [each for each in texts if len(each) > 1]
    assert len(texts) > 1000
    return [each[0] for each in texts], [each[1:] for each in texts]


def test_values_agree_with_the_published_evaluation_on_texts_of_people():
    captions, references = written_by_people()
    np.testing.assert_allclose(
        own_scores(captions, references), published_scores(captions, references), rtol=0, atol=1e-9
    )


@given(SETS)
def test_values_agree_with_the_published_evaluation(rows):
    captions, references = map(list, zip(*rows, strict=True))
    found, expected = own_scores(captions, references), published_scores(captions, references)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_bleu_by_hand():
    # matched unigrams 2 of 3 ("a" is clipped to one), bigrams 1 of 2; 3 tokens beside 4
    expected = math.exp(1 - 4 / 3) * math.sqrt(2 / 3 * 1 / 2)
    assert bleu(["a a cat"], ["a cat sat down"], n=2) == pytest.approx(expected, abs=1e-8)


def test_bleu_takes_the_shorter_of_two_equally_close_references():
    shorter = bleu(["a b c"], [["a b", "a b c d"]], n=1)
    assert shorter == pytest.approx(1.0, abs=1e-8)


def test_cider_by_hand():
    # each n-gram is in one of two samples: all weigh log 2 times their count
    captions, references = ["a b", "x y z"], [["a b"], ["x y"]]
    first = (1 + 1) / 4  # unigrams and bigrams agree, there are no longer ones
    apart = math.exp(-1 / 72)  # one bigram more
    second = apart * (2 / math.sqrt(3 * 2) + 1 / math.sqrt(2)) / 4
    assert cider_d(captions, references) == pytest.approx(10 * (first + second) / 2)


def test_rouge_by_hand():
    # LCS "a c" of "a b c": precision 2/3, recall 2/2
    expected = (1 + 1.44) * (2 / 3) / (1 + 1.44 * 2 / 3)
    assert rouge_l(["a b c"], ["a c"]) == pytest.approx(expected)


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_longest_common_subsequence(a, b):
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            longer = max(table[i, j + 1], table[i + 1, j])
            table[i + 1, j + 1] = table[i, j] + 1 if left == right else longer
    assert longest_common_subsequence(a, b) == table[-1, -1]


@given(st.lists(REFERENCES, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_a_reference_as_caption_is_best_and_order_does_not_matter(references, random):
    captions = [each[0] for each in references]
    assert rouge_l(captions, references) == pytest.approx(1)
    assert bleu(captions, references, n=1) == pytest.approx(1, abs=1e-6)
    order = random.sample(range(len(references)), len(references))
    for metric in METRICS:
        shuffled = metric([captions[i] for i in order], [references[i] for i in order])
        assert shuffled == pytest.approx(metric(captions, references), abs=1e-12)


def test_shuffled_captions_are_worse_than_those_of_people():
    captions, references = written_by_people()
    for metric in METRICS:
        found = compare(
            metric,
            (captions, references),
            (captions[1:] + captions[:1], references),
            ci=Bootstrap(n_resamples=200),
        )
        assert found.low > 0
        assert found.p_value < 0.01
        assert found.a.low <= found.a.value <= found.a.high


@pytest.mark.parametrize("metric", METRICS)
def test_an_empty_caption_scores_nothing(metric):
    assert metric(["", ""], ["a b", "c d"]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_long_captions_and_other_scripts_have_a_score(metric):
    captions = ["слово " * 10_000, "一只 猫", "قطة حمراء"]
    references = [["одно слово"], ["一只 猫"], [["قطة حمراء"][0], "x"]]
    assert 0 < metric(captions, references) <= 10


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("captions", "references", "error", "message"),
    [
        ("a cat", [["a cat"]], TypeError, "must be lists of strings, got a single string"),
        (["a", "b"], [["a"]], ValueError, "got 2 captions and references of 1"),
        ([], [], ValueError, "got 0 captions"),
        (["a", "b"], [["a"], []], ValueError, "caption 1 has no reference"),
        (["a", None], ["a", "b"], TypeError, "caption 1 must be a string, got NoneType"),
        (
            ["a", "b"],
            ["a", ["b", 3]],
            TypeError,
            "references of caption 1 must be strings",
        ),
    ],
)
def test_other_input_is_refused(metric, captions, references, error, message):
    with pytest.raises(error, match=message):
        metric(captions, references)


def test_settings_are_checked():
    with pytest.raises(ValueError, match="n must be"):
        bleu(["a"], ["a"], n=5)
    with pytest.raises(ValueError, match="needs at least 2, got 1"):
        cider_d(["a"], ["a"])
