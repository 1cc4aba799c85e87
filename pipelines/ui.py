"""Open MLflow on the runs of the pipeline."""

from __future__ import annotations

import subprocess
import sys

import mlflow

from .stage import EXPERIMENT, store_uri, track

HOST, PORT = "127.0.0.1", 5000


def links(server: str) -> str:
    """Return the addresses of the runs of all experiments of the project."""
    experiments = mlflow.search_experiments(filter_string=f"name LIKE '{EXPERIMENT}%'")
    width = max(len(each.name) for each in experiments)
    return "\n".join(
        f"{each.name:{width}}  {server}/#/experiments/{each.experiment_id}/runs"
        for each in sorted(experiments, key=lambda each: each.name)
    )


def main() -> None:
    """Print the links, and run the server unless the store is one."""
    track()
    if store_uri().startswith(("http://", "https://")):
        print(links(store_uri().rstrip("/")))
        return
    print(links(f"http://{HOST}:{PORT}"))
    print("Stop with Ctrl-C.", flush=True)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store_uri()]
    subprocess.run([*command, "--host", HOST, "--port", str(PORT)], check=False)


if __name__ == "__main__":
    main()
