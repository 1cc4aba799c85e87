"""Render, read or fetch one dataset, and split it into training and test rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils import Bunch

from mibsk import datasets

from .stage import Stage

RENDERERS: dict[str, Callable[..., Bunch]] = {
    "sprites": datasets.make_sprites,
    "room": datasets.make_room,
    "arm": datasets.make_arm,
}
READERS: dict[str, Callable[..., Bunch]] = {
    "sprites": datasets.load_dsprites,
    "room": datasets.load_shapes3d,
    "arm": datasets.load_mpi3d,
}


def load(name: str, settings: dict[str, Any], random_state: int) -> Bunch:
    """Return a dataset: rendered, or published and read from a file or fetched."""
    source, n_samples = settings.get("source"), settings["n_samples"]
    if source == "rendered":
        return RENDERERS[name](
            n_samples, image_size=settings["image_size"], random_state=random_state
        )
    if source == "published" or "file" in settings:
        return READERS[name](settings.get("file"), n_samples=n_samples, random_state=random_state)
    raise ValueError(f"{name} must have source: rendered, source: published or file: PATH.")


def main(stage: Stage) -> None:
    """Run the stage."""
    settings = stage.params("prepare")
    random_state = settings["random_state"]
    bunch = load(stage.dataset, settings["sets"][stage.dataset], random_state)
    parts = datasets.split_bunch(bunch, test_size=settings["test_size"], random_state=random_state)
    for part, name in zip(parts, ("train", "test"), strict=True):
        datasets.save_bunch(part, stage.data_folder / name)
    print(f"{stage.dataset}: {' + '.join(str(len(part.data)) for part in parts)} rows")


if __name__ == "__main__":
    main(Stage.from_arguments("prepare"))
