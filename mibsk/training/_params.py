"""Parameters of an aligner used in training."""

from __future__ import annotations

from typing import Any, Protocol


class AlignerParams(Protocol):
    """An object with the parameters of an `IBAligner` as attributes."""

    encoders: Any
    input_scaling: Any
    n_components: int
    sufficiency: Any
    same_group: str
    minimality: Any
    bottleneck: Any
    beta: Any
    budget: float
    temperature: Any
    max_epochs: Any
    batch_size: int
    chunk_size: int | None
    lr: float
    lr_schedule: str | None
    optimizer: Any
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    callbacks: Any
    checkpoint: Any
    device: Any
    precision: str
    compile: bool
    verbose: int
    random_state: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all parameters by name."""
