"""Write the claims and the tables of means of a setting."""

from __future__ import annotations

import sys

import pandas as pd
from tabulate import tabulate

from ..intervals import over_seeds
from ..paper.report import cell
from ..paper.stage import params, results_folder
from .captions import scores_file
from .stage import HERE, CaptioningStage

QUESTIONS = {
    "retrieval": "Are pictures found by words, and words by pictures?",
    "captions": "Does the regulariser help captions?",
}
OF_SCORES = ("cider_d", "bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l")
OF_SCENES = ("scene", "sentence", "relation", "color", "shape", "size")
OF_MEASURES = (
    *(f"{way}_recall_at_{k}" for way in ("picture_to_text", "text_to_picture") for k in (1, 5, 10)),
    *("cka_best", "cka_first", "cka_mean", "early_loss", "last_loss"),
    *(f"{query}_recall_at_1" for query in ("arithmetic", "picture", "word")),
    *("minutes", "parameters", "memory", "tokens_per_second"),
)


def claims_of(stage: CaptioningStage) -> str:
    """Return the claims of a stage as a Markdown table."""
    rows = [[claim.text, claim.rule, cell(claim)] for claim in stage.read_claims()]
    return tabulate(rows, headers=["claim", "holds if", stage.dataset], tablefmt="pipe")


def means(table: pd.DataFrame, by: list[str], columns: tuple[str, ...]) -> str:
    """Return means over seeds with their intervals as a Markdown table.

    Examples
    --------
    >>> table = pd.DataFrame({"variant": ["a", "a"], "seed": [0, 1], "scene": [0.2, 0.2]})
    >>> print(means(table, ["variant"], ("scene", "bleu_4")))
    | variant   | scene         |
    |:----------|:--------------|
    | a         | 0.200 ± 0.000 |
    """
    shown = [name for name in columns if name in table and table[name].notna().any()]
    rows = [
        [*key, *(_mean(of_key[name]) for name in shown)]
        for key, of_key in table.groupby(by, sort=False)
    ]
    return tabulate(rows, headers=[*by, *shown], tablefmt="pipe")


def _mean(values: pd.Series) -> str:
    known = values.dropna()
    if known.empty:  # whether shuffled captions are right in every part is not computed
        return ""
    found = over_seeds(known)
    digits = 0 if found.value >= 100 else 3
    if found.n < 2:
        return f"{found.value:.{digits}f}"
    return f"{found.value:.{digits}f} ± {found.high - found.value:.{digits}f}"


def tables_of(stage: CaptioningStage) -> str:
    """Return the tables of captions."""
    scores = pd.read_csv(scores_file(stage))
    given = scores["captions"] == "given"
    others = scores[~given & (scores["system"] == "captioner")]
    return "\n\n".join(
        [
            means(scores[given], ["references", "system", "variant"], (*OF_SCORES, *OF_SCENES)),
            means(others, ["references", "captions"], OF_SCORES),
            means(stage.read_table(), ["variant"], OF_MEASURES),
        ]
    )


def main(setting: str) -> None:
    """Run the stage."""
    folder = results_folder(setting, HERE)
    claims, tables = [], []
    for experiment, of_sets in params(setting, HERE).items():
        claims.append(f"## {QUESTIONS[experiment]}\n")
        for dataset in of_sets:
            stage = CaptioningStage(experiment, setting, dataset)
            claims.append(f"{claims_of(stage)}\n")
            if experiment == "captions":
                tables.append(f"## {dataset}\n\n{tables_of(stage)}\n")
    (folder / "claims.md").write_text("\n".join(claims))
    (folder / "captions.md").write_text("\n".join(tables))
    print("\n".join(claims))


if __name__ == "__main__":
    main(sys.argv[1])
