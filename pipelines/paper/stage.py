"""Settings, files and MLflow runs, as all stages of the paper's experiments use them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import pandas as pd
import yaml
from sklearn.utils import Bunch

from mibsk.datasets import load_bunch
from mibsk.tracking import tracked_run

from ..stage import track
from .claims import Claim

HERE = Path(__file__).parent
EXPERIMENT = "mibsk-paper"


@dataclass(frozen=True)
class Stage:
    """One experiment on one dataset in one setting.

    Other experiments, in other folders of `pipelines`, are subclasses with their own `folder`,
    MLflow experiment and sections of the parameters that each run depends on.
    """

    experiment: str
    setting: str
    dataset: str

    folder: ClassVar[Path] = HERE
    mlflow_experiment: ClassVar[str] = EXPERIMENT
    common: ClassVar[tuple[str, ...]] = ("training", "measures")

    @classmethod
    def from_arguments(cls, experiment: str) -> Self:
        """Read the setting and the dataset from the command line."""
        if len(sys.argv) != 3:
            package = f"pipelines.{cls.folder.name}"
            raise SystemExit(f"usage: python -m {package}.{experiment} SETTING SET")
        return cls(experiment, *sys.argv[1:])

    def params(self, section: str) -> dict[str, Any]:
        """Return a section of the setting."""
        return params(self.setting, self.folder)[section]

    @property
    def data_folder(self) -> Path:
        """Folder of the dataset."""
        return self.folder / "data" / self.setting / self.dataset

    @property
    def table_file(self) -> Path:
        """File of the table of all runs."""
        return (
            results_folder(self.setting, self.folder)
            / "runs"
            / f"{self.experiment}-{self.dataset}.csv"
        )

    @property
    def claims_file(self) -> Path:
        """File of the claims."""
        return self.table_file.with_suffix(".json")

    def load(self) -> tuple[Bunch, Bunch]:
        """Return the training and the test rows, with the ``sizes`` of all factors."""
        train, test = (load_bunch(self.data_folder / part) for part in ("train", "test"))
        labels = pd.concat([train.labels["image"], test.labels["image"]])
        train.sizes = test.sizes = {name: int(values.max()) + 1 for name, values in labels.items()}
        return train, test

    def read_table(self) -> pd.DataFrame:
        """Return the table of all runs."""
        return pd.read_csv(self.table_file, dtype={"level": str})

    def read_claims(self) -> list[Claim]:
        """Return the claims."""
        return [Claim(**entry) for entry in json.loads(self.claims_file.read_text())]

    def write(self, table: pd.DataFrame, claims: list[Claim]) -> None:
        """Write the table and the claims."""
        self.table_file.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(self.table_file, index=False, float_format="%.6g")
        entries = [asdict(claim) for claim in claims]
        self.claims_file.write_text(json.dumps(entries, indent=1) + "\n")

    @contextmanager
    def tracked(self) -> Iterator[None]:
        """Start an MLflow run, and log the results at its end."""
        import mlflow  # takes seconds

        from ..evaluate import flatten

        track(self.mlflow_experiment)
        with tracked_run(f"{self.experiment}-{self.dataset}-{self.setting}"):
            mlflow.set_tags(asdict(self))
            for section in (*self.common, self.experiment):
                mlflow.log_params(flatten(self.params(section), f"{section}."))
            yield
            mlflow.log_metrics({claim.key: claim.value for claim in self.read_claims()})
            for file in (self.table_file, self.claims_file):
                mlflow.log_artifact(str(file))


def params(setting: str, folder: Path = HERE) -> dict[str, Any]:
    """Return a setting of the params.yaml of a folder."""
    return yaml.safe_load((folder / "params.yaml").read_text())[setting]


def stages(experiment: str, setting: str) -> list[Stage]:
    """Return an experiment on all datasets of a setting."""
    return [Stage(experiment, setting, name) for name in params(setting)["prepare"]["sets"]]


def results_folder(setting: str, folder: Path = HERE) -> Path:
    """Return the folder of tables, figures and claims of a setting."""
    return folder / "results" / setting
