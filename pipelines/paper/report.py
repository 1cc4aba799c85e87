"""Draw the figures of a setting and write the table of claims."""

from __future__ import annotations

import sys

import matplotlib

matplotlib.use("Agg")

from tabulate import tabulate

from ..images import save
from .claims import Claim
from .figures import misalignment_figure, nuisance_figure, regulariser_figure
from .stage import Stage, results_folder, stages

FIGURES = {
    "nuisance": nuisance_figure,
    "misalignment": misalignment_figure,
    "regulariser": regulariser_figure,
}
DPI = 90
QUESTIONS = {
    "nuisance": "Does the contrastive loss remove a nuisance by itself?",
    "misalignment": "Do nuisances go with misalignment?",
    "regulariser": "Does the regulariser align?",
}


def claims_table(of_sets: list[Stage]) -> str:
    """Return a Markdown table with one row per claim and one column per dataset."""
    claims = {stage.dataset: {c.key: c for c in stage.read_claims()} for stage in of_sets}
    first = next(iter(claims.values()))
    rows = [
        [claim.text, claim.rule, *(cell(of_set[key]) for of_set in claims.values())]
        for key, claim in first.items()
    ]
    return tabulate(rows, headers=["claim", "holds if", *claims], tablefmt="pipe")


def cell(claim: Claim) -> str:
    """Return verdict, number, interval, and p-value if there is one."""
    p = "" if claim.p_value is None else f", p = {claim.p_value:.2g}"
    found = f"{claim.value:.3f} [{claim.low:.3f}, {claim.high:.3f}]"
    return f"**{claim.verdict}** {found}{p}, n = {claim.n}"


def main(setting: str) -> None:
    """Run the stage."""
    folder = results_folder(setting)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    parts = []
    for experiment, draw in FIGURES.items():
        of_sets = stages(experiment, setting)
        figure = draw({stage.dataset: stage.read_table() for stage in of_sets})
        save(figure, folder / "figures" / f"paper-{experiment}.png", dpi=DPI)
        parts.append(f"### {QUESTIONS[experiment]}\n\n{claims_table(of_sets)}\n")
    (folder / "claims.md").write_text("\n".join(parts))
    print("\n".join(parts))
    print(f"figures and tables: {folder.relative_to(folder.parents[3])}")


if __name__ == "__main__":
    main(sys.argv[1])
