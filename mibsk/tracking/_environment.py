"""What an MLflow model folder needs to run where mibsk is not installed."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CODE = "code"
CONDA, PYTHON, REQUIREMENTS = "conda.yaml", "python_env.yaml", "requirements.txt"
PACKAGES = (
    "mlflow",
    "array-api-compat",
    "lazy-loader",
    "numpy",
    "pandas",
    "safetensors",
    "scikit-learn",
    "scipy",
    "skorch",
    "threadpoolctl",
    "torch",
    "tqdm",
)
"""Packages that a loaded aligner imports."""


def write_environment(folder: Path, further: Sequence[str] = ()) -> None:
    """Write the package itself and the files of its environment into a model folder.

    No package index is assumed to have mibsk: `code` holds a copy of it, which MLflow puts first
    on the path, and the requirements name only the packages that it imports, in the versions
    installed here.
    """
    package = Path(__file__).parents[1]
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, folder / CODE / package.name, ignore=ignored)
    requirements = [_pinned(name) for name in (*PACKAGES, *further)]
    (folder / REQUIREMENTS).write_text("\n".join(requirements) + "\n")
    python, installs = platform.python_version(), ["-r requirements.txt"]
    build = ["pip", "setuptools", "wheel"]
    _write(
        folder / PYTHON,
        {"python": python, "build_dependencies": build, "dependencies": installs},
    )
    dependencies = [f"python={python}", "pip", {"pip": installs}]
    _write(
        folder / CONDA,
        {"name": "mlflow-env", "channels": ["conda-forge"], "dependencies": dependencies},
    )


def _write(file: Path, content: dict[str, object]) -> None:
    file.write_text(json.dumps(content, indent=1) + "\n")  # JSON is YAML


def _pinned(name: str) -> str:
    """Return a requirement of the installed version, without a local part such as ``+cpu``."""
    try:
        return f"{name}=={version(name).partition('+')[0]}"
    except PackageNotFoundError:  # e.g. mlflow-skinny in place of mlflow
        return name
