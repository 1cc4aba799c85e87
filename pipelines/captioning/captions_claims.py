"""Claims about captions, decided on trainings with the same seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..intervals import over_seeds
from ..paper.claims import Claim

RECALL = "recall@1, mean of both directions,"
ALIGNMENT = {
    "cka_best": "the best query",
    "cka_first": "query 0",
    "cka_mean": "the mean of the queries",
}
CAPTIONS = {"cider_d": "CIDEr-D", "bleu_4": "BLEU@4"}


def claims_of(
    measures: pd.DataFrame, scores: pd.DataFrame, roles: Mapping[str, str]
) -> list[Claim]:
    """Return the claims of a dataset.

    Parameters
    ----------
    measures : DataFrame
        One row for each captioner.
    scores : DataFrame
        One row for the captions of each system of each captioner, with their references.
    roles : mapping
        The variants that are compared: ``contrastive`` (beta 0), ``regularised`` (beta .1),
        ``strong`` (beta 1), ``warmed`` (beta 1, warmed up), ``unsmoothed`` and ``matching``, both
        with beta .1.

    Returns
    -------
    list of Claim
        A claim holds if the whole interval over seeds is on the stated side.
    """
    given = scores[(scores["references"] == "all") & (scores["captions"] == "given")]
    own = given[given["system"] == "captioner"].set_index("seed")
    of_variant = measures.assign(
        recall=measures[["picture_to_text_recall_at_1", "text_to_picture_recall_at_1"]].mean(axis=1)
    ).set_index("seed")

    def change(table: pd.DataFrame, measure: str, role: str, than: str) -> Any:
        by_role = (table.loc[table["variant"] == roles[each], measure] for each in (role, than))
        one, other = by_role
        return over_seeds((one - other).dropna())

    found = []
    for measure, name in CAPTIONS.items():
        for than, beta in (("contrastive", "0"), ("strong", "1")):
            text = f"{name} at beta .1 is above that at beta {beta}"
            of_both = change(own, measure, "regularised", than)
            found.append(Claim.above(f"captions.{measure}.{than}", text, of_both, 0.0))
    text = f"{RECALL} is lower at beta .1 than at 0"
    lower = change(of_variant, "recall", "regularised", "contrastive")
    found.append(Claim.below("captions.recall", text, lower, 0.0))
    for measure, name in ALIGNMENT.items():
        text = f"CKA of captions and {name} is higher at beta .1 than at 0"
        higher = change(of_variant, measure, "regularised", "contrastive")
        found.append(Claim.above(f"captions.{measure}", text, higher, 0.0))
    for role, than, text in (
        ("strong", "regularised", "at beta 1 the loss of captions falls later than at .1"),
        ("strong", "warmed", "at beta 1 it falls earlier if beta is warmed up"),
    ):
        later = change(of_variant, "early_loss", role, than)
        found.append(Claim.above(f"captions.early_loss.{than}", text, later, 0.0))
    for measure, name in CAPTIONS.items():
        text = f"{name} is higher with label smoothing .1 than without"
        smoothed = change(own, measure, "regularised", "unsmoothed")
        found.append(Claim.above(f"captions.{measure}.smoothing", text, smoothed, 0.0))
    text = f"{RECALL} is higher with the matching loss"
    matched = change(of_variant, "recall", "matching", "regularised")
    found.append(Claim.above("captions.matching", text, matched, 0.0))
    return found + _against_retrieval(given, roles["regularised"]) + _arithmetic(measures, roles)


def _against_retrieval(given: pd.DataFrame, variant: str) -> list[Claim]:
    """Return the claims that captions are better than those of the nearest training pictures."""
    found = []
    chosen = given[given["variant"] == variant]
    names = {"scene": "share of captions that are right in every part", **CAPTIONS}
    for measure, name in names.items():
        if measure not in chosen:
            continue
        by_system = chosen.pivot(index="seed", columns="system", values=measure)
        for system in ("nearest picture", "nearest caption"):
            text = f"{name} is above that of the {system}, at beta .1"
            gain = over_seeds(by_system["captioner"] - by_system[system])
            key = f"captions.{measure}.{system.replace(' ', '_')}"
            found.append(Claim.above(key, text, gain, 0.0))
    return found


def _arithmetic(measures: pd.DataFrame, roles: Mapping[str, str]) -> list[Claim]:
    """Return the claims that arithmetic finds more than its parts, and more at beta .1."""
    if "arithmetic_recall_at_1" not in measures:
        return []
    of = {
        role: measures[measures["variant"] == roles[role]].set_index("seed")
        for role in ("regularised", "contrastive")
    }
    reached = of["regularised"]["arithmetic_recall_at_1"]
    found = []
    for part in ("picture", "word"):
        text = f"recall@1 of picture - word + word is above that of the {part} alone, at beta .1"
        gain = over_seeds(reached - of["regularised"][f"{part}_recall_at_1"])
        found.append(Claim.above(f"captions.arithmetic.{part}", text, gain, 0.0))
    text = "recall@1 of picture - word + word is higher at beta .1 than at 0"
    gain = over_seeds(reached - of["contrastive"]["arithmetic_recall_at_1"])
    found.append(Claim.above("captions.arithmetic.beta", text, gain, 0.0))
    return found
