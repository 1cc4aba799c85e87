"""All scores of captions in one table, with intervals, and the comparison of two systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..._checks.groups import Groups
from ..._checks.parameters import check_scalar
from ..._checks.row_names import check_row_names
from ..statistics import (
    Bootstrap,
    Bounds,
    Estimate,
    Values,
    as_bootstrap,
    check_groups,
    draw_sums,
    estimate_of_draws,
    paired_difference,
    ratio_of_sums,
)
from ._bleu import bleu_counts, bleu_of_sums
from ._cider import cider_scores
from ._rouge import rouge_scores
from ._texts import ORDERS, Texts, Tokenizer, caption_tokens, tokens_of

_CIDER, _ROUGE, _COUNT = -3, -2, -1  # columns of sums, after those of BLEU


def _mean_of(column: int) -> Callable[[Values], Values]:
    return lambda sums: ratio_of_sums(sums[..., [column, _COUNT]])


_SCORES: dict[str, tuple[Callable[[Values], Values], Bounds]] = {
    **{f"bleu_{n}": (partial(bleu_of_sums, n=n), (0, 1)) for n in range(1, ORDERS + 1)},
    "cider_d": (_mean_of(_CIDER), (0, 10)),
    "rouge_l": (_mean_of(_ROUGE), (0, 1)),
}


def caption_scores(
    captions: Any,
    references: Any,
    *,
    ci: float | Bootstrap = 0.95,
    tokenizer: Tokenizer = caption_tokens,
    random_state: int = 0,
) -> pd.DataFrame:
    """Score captions by BLEU, CIDEr-D and ROUGE-L, beside shuffled captions and those of people.

    Scores have no scale of their own: 0.3 may be poor on one set of pictures and better than people
    on another. The table therefore has two further captions to compare with: `shuffled`, the same
    captions, each moved to another picture, which is what a system reaches that knows the texts but
    not the pictures; and `person`, one reference of each picture, which is removed from its
    references. As more references give higher scores, the given captions are also scored against
    these reduced references. Compare rows only if they have the same `references`.

    Parameters
    ----------
    captions : list of str (n_samples,)
        One caption for each picture.
    references : list of list of str (n_samples,)
        One or more captions of each picture by people; a string is a single one.
    ci : float or Bootstrap, default=0.95
        Level of bootstrap intervals over pictures. Scores of each resample are those of a set of
        captions, with the document frequencies of CIDEr-D of all pictures.
        ``Bootstrap(groups=...)`` draws whole groups of pictures that are not independent.
    tokenizer : callable, default=caption_tokens
        From a string to its tokens; ``str.split`` for captions that were tokenized before.
    random_state : int, default=0
        Seed that draws the order of the shuffled captions, and the reference that is held out.

    Returns
    -------
    DataFrame
        One row for each of ``bleu_1`` to ``bleu_4``, ``cider_d`` and ``rouge_l`` (level `score` of
        the index) of each of these (levels `references` and `captions`):

        ===============  ============  =========================================================
        references       captions      meaning
        ===============  ============  =========================================================
        ``all``          ``given``     the captions against all references
        ``all``          ``shuffled``  each caption against all references of another picture
        ``all but one``  ``given``     the captions against the references that are left
        ``all but one``  ``person``    the held-out reference against the references that are left
        ===============  ============  =========================================================

        Columns: ``value``, ``low`` and ``high``, and ``n_samples``, the number of pictures. Those
        with a single reference are left out of ``all but one``, which is missing if fewer than two
        pictures, or two groups of pictures, have several.

    Raises
    ------
    TypeError
        If captions or references are not strings.
    ValueError
        If their numbers differ, a picture has no reference, or there is only one picture.

    See Also
    --------
    compare_captions : Whether one system is better than another.
    bleu, cider_d, rouge_l : One score.

    Examples
    --------
    >>> from mibsk.metrics import caption_scores
    >>> people = [["a red cat", "one red cat"], ["two dogs run", "two dogs"], ["a boat", "boats"]]
    >>> table = caption_scores(["a red cat", "dogs run", "a car"], people)
    >>> table["value"].unstack("captions").loc[("all", "rouge_l"), ["given", "shuffled"]].round(2)
    captions
    given       0.76
    shuffled    0.13
    Name: (all, rouge_l), dtype: float64
    """
    chosen = as_bootstrap(ci)
    check_scalar("random_state", random_state, low=0, integer=True)
    _check_names(chosen, captions=captions, references=references)
    tokens, people = tokens_of(captions, references, tokenizer)
    groups = chosen.groups_of(len(tokens))
    rng = np.random.default_rng(random_state)
    found = {
        "all": _estimates(
            {"given": tokens, "shuffled": _shuffled(tokens, rng)}, people, chosen, groups
        )
    }
    several = [row for row, texts in enumerate(people) if len(texts) > 1]
    of_several = None if groups is None else groups[several]
    if len(several if of_several is None else set(of_several)) > 1:
        persons, left = _hold_one_out([people[row] for row in several], rng)
        of_block = {"given": [tokens[row] for row in several], "person": persons}
        found["all but one"] = _estimates(of_block, left, chosen, of_several)
    n_samples = {"all": len(tokens), "all but one": len(several)}
    rows = {
        (block, who, score): (*estimate, n_samples[block])
        for block, systems in found.items()
        for who, estimates in systems.items()
        for score, estimate in estimates.items()
    }
    return pd.DataFrame(
        list(rows.values()),
        index=pd.MultiIndex.from_tuples(rows, names=["references", "captions", "score"]),
        columns=["value", "low", "high", "n_samples"],
    )


def compare_captions(
    a: Any,
    b: Any,
    references: Any,
    *,
    ci: float | Bootstrap = 0.95,
    tokenizer: Tokenizer = caption_tokens,
) -> pd.DataFrame:
    """Compare the captions of two systems for the same pictures, by all scores.

    Both are scored on the same resampled pictures, so that variation common to both cancels in the
    difference, as :func:`compare` says. It has the same numbers for one score.

    Parameters
    ----------
    a, b : list of str (n_samples,)
        One caption of each system for each picture.
    references : list of list of str (n_samples,)
        One or more captions of each picture by people; a string is a single one.
    ci : float or Bootstrap, default=0.95
        Level of bootstrap intervals over pictures; ``Bootstrap(groups=...)`` draws whole groups of
        pictures that are not independent.
    tokenizer : callable, default=caption_tokens
        From a string to its tokens; ``str.split`` for captions that were tokenized before.

    Returns
    -------
    DataFrame
        One row for each of ``bleu_1`` to ``bleu_4``, ``cider_d`` and ``rouge_l``, with the columns
        ``a`` and ``b``, the scores of both; ``difference``, a - b, with the ends ``low`` and
        ``high`` of its interval; and ``p_value`` of the hypothesis that the difference is 0, which
        is not corrected for the number of scores.

    Raises
    ------
    TypeError
        If captions or references are not strings.
    ValueError
        If their numbers differ, a picture has no reference, or there is only one picture.

    Examples
    --------
    >>> from mibsk.metrics import compare_captions
    >>> people = [[f"a {color} cat", f"one {color} cat"] for color in "red black white".split()] * 9
    >>> good = ["a red cat", "the black cat", "a white cat"] * 9
    >>> found = compare_captions(good, ["a cat"] * 27, people)
    >>> found.loc["cider_d", ["low", "p_value"]].round(3).tolist()
    [3.389, 0.001]
    """
    chosen = as_bootstrap(ci)
    _check_names(chosen, a=a, b=b, references=references)
    tokens_a, people = tokens_of(a, references, tokenizer)
    tokens_b, _ = tokens_of(b, references, tokenizer)
    groups = chosen.groups_of(len(people))
    found = _estimates({"a": tokens_a, "b": tokens_b}, people, chosen, groups)
    rows = {score: paired_difference(found["a"][score], found["b"][score]) for score in _SCORES}
    return pd.DataFrame(
        [(r.a.value, r.b.value, r.difference, r.low, r.high, r.p_value) for r in rows.values()],
        index=pd.Index(rows, name="score"),
        columns=["a", "b", "difference", "low", "high", "p_value"],
    )


def _check_names(chosen: Bootstrap, **rows: Any) -> None:
    """Raise if the names of rows, or of their groups, contradict their order."""
    check_row_names(rows)
    check_groups(chosen, rows)


def _estimates(
    systems: Mapping[str, Texts], references: Sequence[Texts], chosen: Bootstrap, groups: Groups
) -> dict[str, dict[str, Estimate]]:
    """Return all scores of the captions of each system, on the same resampled pictures."""
    tokens, count = list(systems.values()), np.ones(len(references))
    counts, ciders = bleu_counts(tokens, references), cider_scores(tokens, references)
    found = {}
    for i, name in enumerate(systems):
        rouge = rouge_scores(tokens[i], references)
        values = np.column_stack([counts[i], ciders[i], rouge, count])
        total, drawn = values.sum(axis=0), draw_sums(values, chosen, groups)
        found[name] = {
            score: estimate_of_draws(float(of_sums(total)), of_sums(drawn), chosen, bounds)
            for score, (of_sums, bounds) in _SCORES.items()
        }
    return found


def _shuffled(tokens: Texts, rng: np.random.Generator) -> Texts:
    """Move each caption to another picture: around one cycle through all of them."""
    cycle = rng.permutation(len(tokens))
    source = np.empty_like(cycle)
    source[cycle] = np.roll(cycle, 1)
    return [tokens[row] for row in source]


def _hold_one_out(
    references: Sequence[Texts], rng: np.random.Generator
) -> tuple[Texts, Sequence[Texts]]:
    """Draw one reference of each picture, and return these and those that are left."""
    held = rng.integers([len(texts) for texts in references])
    persons = [texts[i] for i, texts in zip(held, references, strict=True)]
    left: list[Texts] = [
        [*texts[:i], *texts[i + 1 :]] for i, texts in zip(held, references, strict=True)
    ]
    return persons, left
