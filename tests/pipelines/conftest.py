"""Copies of the project in which the pipeline runs with small settings."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
TINY = {
    "prepare.sprites.n_samples": 600,
    "prepare.sprites.image_size": 16,
    "train.seeds": [0, 1],
    "train.aligner.max_epochs": 2,
}
UP_TO_EVALUATE = """
from pipelines import evaluate, prepare, train
prepare.main()
for model in ("infonce", "ib", "canonical"):
    train.main(model)
evaluate.main()
"""


class Checkout:
    """A git repository with a copy of the project; DVC and MLflow write only to its folders."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
        return kept | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DVC_SITE_CACHE_DIR": str(self.path.parent / "dvc-site"),
            "DVC_GLOBAL_CONFIG_DIR": str(self.path.parent / "dvc-global"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",
            **{f"GIT_{who}_NAME": "mibsk" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "mibsk@localhost" for who in ("AUTHOR", "COMMITTER")},
        }

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in a new process group."""
        return subprocess.Popen(
            command,
            cwd=self.path,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str) -> str:
        """Return the output of a command, which must succeed."""
        process = self.start(*command)
        printed, _ = process.communicate()
        assert process.returncode == 0, f"{' '.join(command)} failed:\n{printed}"
        return printed

    def repro(self, *arguments: str) -> list[str]:
        """Return the stages that `dvc repro` ran."""
        return re.findall(r"^Running stage '(.+)':$", self.run("dvc", "repro", *arguments), re.M)

    def measure(self) -> str:
        """Run the stages up to `evaluate` in one process without DVC, to import only once."""
        return self.run("python", "-c", UP_TO_EVALUATE)

    def status(self) -> dict[str, Any]:
        """Return the stages that are not up to date, with their changes; `register` never is."""
        found = json.loads(self.run("dvc", "status", "dvc.yaml", "--json"))
        assert found.pop("register", None)
        return found

    def set_params(self, **values: Any) -> None:
        """Change parameters, given by dotted name."""
        file = self.path / "params.yaml"
        params = yaml.safe_load(file.read_text())
        for name, value in values.items():
            *sections, last = name.split(".")
            section = params
            for key in sections:
                section = section[key]
            assert last in section
            section[last] = value
        file.write_text(yaml.safe_dump(params, sort_keys=False))

    @contextmanager
    def copy(self, folder: Path) -> Iterator["Checkout"]:
        """Yield a copy with all outputs, and remove it afterwards."""
        path = folder / "copy" / self.path.name
        shutil.copytree(self.path, path)
        yield Checkout(path)
        shutil.rmtree(path)


@pytest.fixture(scope="session")
def check_out(tmp_path_factory) -> Callable[..., Checkout]:
    """Return a function that copies the project into a new folder and sets parameters."""
    pytest.importorskip("dvc")
    pytest.importorskip("mlflow")
    if not (REPOSITORY / ".git").exists():
        pytest.skip("the pipeline is tested in a git checkout")

    def check_out(**params: Any) -> Checkout:
        path = tmp_path_factory.mktemp("pipeline") / "mibsk"
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"],
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            if (REPOSITORY / name).is_file():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, path / name)
        checkout = Checkout(path)
        checkout.set_params(**(TINY | params))
        checkout.run("git", "init", "--quiet")
        checkout.run("git", "add", "--all")
        checkout.run("git", "commit", "--quiet", "--message", "a copy")
        return checkout

    return check_out
