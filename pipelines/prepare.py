"""Render or fetch the paired data, and split them into training and test rows."""

from __future__ import annotations

from typing import Any

from sklearn.utils import Bunch

from mibsk.datasets import fetch_spoken_digits, make_sprites, save_bunch, split_bunch

from .stage import DATA, params


def load(settings: dict[str, Any]) -> Bunch:
    """Return the dataset named in the parameters."""
    name, random_state = settings["dataset"], settings["random_state"]
    if name == "sprites":
        return make_sprites(**settings["sprites"], random_state=random_state)
    if name == "spoken_digits":
        return fetch_spoken_digits(**settings["spoken_digits"], random_state=random_state)
    raise ValueError(f"prepare.dataset must be sprites or spoken_digits, got {name!r}.")


def main() -> None:
    """Run the stage."""
    settings = params("prepare")
    train, test = split_bunch(
        load(settings), test_size=settings["test_size"], random_state=settings["random_state"]
    )
    save_bunch(train, DATA / "train")
    save_bunch(test, DATA / "test")
    print(f"{settings['dataset']}: {len(train.data)} training pairs, {len(test.data)} test pairs")


if __name__ == "__main__":
    main()
