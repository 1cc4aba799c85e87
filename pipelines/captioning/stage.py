"""Settings, files and MLflow runs of the stages of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..paper.stage import Stage

HERE = Path(__file__).parent


@dataclass(frozen=True)
class CaptioningStage(Stage):
    """One experiment with pictures and words, on one dataset in one setting."""

    folder: ClassVar[Path] = HERE
    mlflow_experiment: ClassVar[str] = "mibsk-captioning"
    common: ClassVar[tuple[str, ...]] = ()
