"""The result of a diagnosis: numbers with intervals, and what follows from them."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from ... import __version__
from .._measurement import Source
from ._numbers import Number
from ._shared import PairingTest, Shared
from ._tables import Table

SCHEMA = "mibsk.diagnosis/1"
CONVINCING = 0.05  # p-values above are reported as possibly chance
MATTERS = 0.02  # gain of recall@1 below which a network is not worth its training
FLAT = 0.01  # gain of recall@1 per doubling of the rows below which further rows add little


@dataclass(frozen=True)
class Point:
    """Recall@1 of held-out rows with the closed form of some number of others.

    Attributes
    ----------
    n_train : int
        Number of training rows.
    recall : Number
        Share of held-out rows whose partner comes first, mean over both ways and all pairs.
    """

    n_train: int
    recall: Number


@dataclass(frozen=True)
class LearningCurve:
    """Recall@1 of the closed form over the number of rows.

    Attributes
    ----------
    points : tuple of Point
        From few rows to all that the folds leave for training.
    per_doubling : Number or None
        Gain from half of the rows to all of them; None if there are too few for two sizes.
    n_candidates : int
        Number of rows among which a partner must come first.
    chance : float
        Recall@1 of candidates in random order.
    """

    points: tuple[Point, ...]
    per_doubling: Number | None
    n_candidates: int
    chance: float


@dataclass(frozen=True)
class Nonlinear:
    """Recall@1 of the closed form with and without features of a kernel, of the same rows.

    Attributes
    ----------
    recall : Number
        With these features.
    difference : Number
        What they add.
    test : PairingTest or None
        Whether anything is shared in these features, if nothing linear is.
    """

    recall: Number
    difference: Number
    test: PairingTest | None


@dataclass(frozen=True)
class Warned:
    """One thing that may be wrong with the tables.

    Attributes
    ----------
    code : str
        "missing rows", "duplicates", "ids", "same columns", "copy", "label", "scales", "axes" or
        "unpaired".
    text : str
        What it is.
    """

    code: str
    text: str


@dataclass(frozen=True)
class Diagnosis:
    """What two or more tables share, whether the rows suffice, and what a network may add.

    Attributes
    ----------
    tables : tuple of Table
        The tables.
    n_rows : int
        Number of rows that were used.
    n_groups : int or None
        Number of groups of these rows.
    shared : Shared
        What all tables share linearly.
    subsets : tuple of Shared
        What fewer of them share: each pair, if there are more than two.
    learning : LearningCurve
        Whether the rows suffice.
    nonlinear : Nonlinear
        What a relation that is not linear adds.
    warnings : tuple of Warned
        What may be wrong with the tables.
    options : dict
        The options of the call.
    labels : Source or None
        File of the labels.
    """

    tables: tuple[Table, ...]
    n_rows: int
    n_groups: int | None
    shared: Shared
    subsets: tuple[Shared, ...]
    learning: LearningCurve
    nonlinear: Nonlinear
    warnings: tuple[Warned, ...]
    options: dict[str, Any]
    labels: Source | None = None

    @property
    def sharing(self) -> str:
        """Whether the tables share anything: "linear", "weak", "nonlinear" or "not shown".

        "weak": the test finds something linear, but no direction holds up on held-out rows, or a
        direction does, but the test finds nothing.
        """
        return sharing_of(self.shared, self.nonlinear)

    @property
    def rows(self) -> str:
        """Whether the rows suffice: "more help", "enough" or "not known"."""
        gain = self.learning.per_doubling
        if gain is None or self.sharing == "not shown":
            return "not known"
        if gain.low > 0:
            return "more help"
        return "enough" if gain.high < FLAT else "not known"

    @property
    def network(self) -> str:
        """Whether a network is likely to add to the closed form: "likely", "enough", "not shown".

        "enough": the closed form is likely enough.
        """
        gain = self.nonlinear.difference
        if gain.low > 0:
            return "likely"
        return "enough" if gain.high < MATTERS and self.sharing == "linear" else "not shown"

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as plain values for JSON, with stable names."""
        found: dict[str, Any] = {
            "schema": SCHEMA,
            "mibsk_version": __version__,
            "inputs": {
                "tables": [asdict(table) for table in self.tables],
                "labels": None if self.labels is None else asdict(self.labels),
                "n_rows": self.n_rows,
                "n_groups": self.n_groups,
            },
            "options": self.options,
            "verdicts": {
                "sharing": self.sharing,
                "rows": self.rows,
                "network": self.network,
            },
            "shared": asdict(self.shared),
            "subsets": [asdict(shared) for shared in self.subsets],
            "learning": asdict(self.learning),
            "nonlinear": asdict(self.nonlinear),
            "warnings": [asdict(warned) for warned in self.warnings],
        }
        plain: dict[str, Any] = _plain(found)
        return plain

    def to_json(self) -> str:
        """Return the diagnosis as strict JSON: no NaN, no Infinity."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_text(self) -> str:
        """Return the diagnosis as one page of plain text."""
        from .._terminal import print_report  # which prints all reports

        stream = io.StringIO()
        print_report(self, stream)
        return stream.getvalue()

    def to_html(self) -> str:
        """Return the diagnosis as one page of HTML that loads no other file."""
        from ._views import to_html

        return to_html(self)

    def __str__(self) -> str:
        return self.to_text()


def sharing_of(shared: Shared, nonlinear: Nonlinear | None) -> str:
    """Return whether tables share anything; see :attr:`Diagnosis.sharing`."""
    p, holds = shared.test.p_value, shared.n_directions > 0
    is_found = holds if p is None else p <= CONVINCING
    if is_found and holds:
        return "linear"
    if is_found or holds:
        return "weak"
    if nonlinear is None:
        return "not shown"
    p = None if nonlinear.test is None else nonlinear.test.p_value
    if nonlinear.difference.low > 0 or (p is not None and p <= CONVINCING):
        return "nonlinear"
    return "not shown"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value
