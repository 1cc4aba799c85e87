"""Time and peak memory of every registered term of the objective, relative to InfoNCE.

    OMP_NUM_THREADS=1 python -m benchmarks.objectives_cost [--batch-sizes 128 512 2048 8192]
        [--modalities 2 3 4 8 16] [--batch 512] [--rounds 3] [--terms ova cs]

Two modalities are measured with every batch size, and one batch size with every number of them. A
step is a forward and a backward pass of one term on embeddings of 64 dimensions and unit norm, on
the CPU. In every round all terms take turns, so a ratio compares steps of the same moment. Peak
memory is the growth of a separate process during a step, the embeddings not included; it is
imprecise below a few megabytes. A step that needs more than 2 GB is skipped. Growth is the slope of
a logarithm against another between the two largest sizes measured: 1 is linear, 2 quadratic.
Results are written to `benchmarks/results/objectives_cost.csv`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import normalize

from benchmarks.resident_memory import MB, status
from mibsk.losses import (
    MINIMALITY,
    SUFFICIENCY,
    Embedding,
    IBObjective,
    Minimality,
    Sufficiency,
)

REFERENCE = "infonce"
DIM = 64
LIMIT = 2000 * MB
LEAST = 10 * MB  # smallest peak that is compared
SECONDS = 0.1  # duration of the steps of a term in a round; at least one step is taken
OUT = Path(__file__).parent / "results" / "objectives_cost.csv"
# tensors go back to the system when they are freed, so that the growth of a process counts them all
RETURNED = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
Size = tuple[int, int]  # modalities, batch
Step = Callable[[], None]


def all_terms() -> list[str]:
    """Return all terms as "kind name", the reference first."""
    names = [f"sufficiency {name}" for name in SUFFICIENCY]
    names += [f"minimality {name}" for name in MINIMALITY]
    return sorted(names, key=lambda name: name != f"sufficiency {REFERENCE}")


def make_step(term: str, size: Size) -> Step:
    """Return a function that runs a term forward and backward."""
    n_modalities, n = size
    kind, name = term.split()
    torch.manual_seed(0)
    if kind == "sufficiency":
        objective = IBObjective(sufficiency=name, minimality=Minimality(nothing, pairwise=False))
    else:
        objective = IBObjective(Sufficiency(nothing, pairwise=False), name, beta=1.0)
    objective.build(n_modalities, DIM)
    leaves = [torch.randn(n, DIM, requires_grad=True) for _ in range(n_modalities)]
    log_vars: list[torch.Tensor | None] = [None] * n_modalities
    if objective.minimality_term.needs_variance:
        log_vars = [torch.zeros(n, DIM, requires_grad=True) for _ in leaves]
    inputs = {str(i): torch.randn(n, DIM) for i in range(n_modalities)}

    def step() -> None:
        for leaf in leaves:
            leaf.grad = None
        pairs = zip(leaves, log_vars, strict=True)
        embeddings = {
            str(i): Embedding(normalize(leaf, dim=1), log_var)
            for i, (leaf, log_var) in enumerate(pairs)
        }
        objective(embeddings, inputs=inputs).total.backward()

    return step


def nothing(embeddings: Sequence[Embedding | torch.Tensor], *args: object) -> torch.Tensor:
    """Return 0, in place of the other term."""
    return torch.zeros(())


def seconds(step: Step) -> float:
    """Return the time of one step, as the mean over a few."""
    started, n_steps = time.perf_counter(), 0
    while not n_steps or time.perf_counter() - started < SECONDS:
        step()
        n_steps += 1
    return (time.perf_counter() - started) / n_steps


def peak(term: str, size: Size) -> dict[str, object]:
    """Return the peak memory of a step in bytes as `peak`, or in `why` the reason for none.

    During the step, this process cannot allocate more than `LIMIT`.
    """
    try:
        make_step(term, (size[0], 16))()  # memory that a first step allocates is kept
        step = make_step(term, size)
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        before = status("VmRSS")
        limit = status("VmData") + LIMIT
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))
        step()
    except ValueError as error:  # a number of modalities that the term does not support
        return {"why": str(error)}
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        return {"why": f"needs more than {LIMIT / MB:.0f} MB"}
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)
    return {"peak": status("VmHWM") - before}


def peaks(term: str, sizes: Sequence[Size]) -> dict[Size, dict[str, object]]:
    """Return the result of :func:`peak` for each size, measured in a separate process."""
    text = [f"{n_modalities},{n}" for n_modalities, n in sizes]
    command = [sys.executable, "-m", "benchmarks.objectives_cost", "--peaks", term, *text]
    environment = {**os.environ, **RETURNED}
    lines = subprocess.check_output(command, text=True, env=environment).splitlines()
    return dict(zip(sizes, map(json.loads, lines), strict=True))


def measure(terms: Sequence[str], sizes: Sequence[Size], n_rounds: int) -> pd.DataFrame:
    """Return a table with one row for each term and size."""
    memory = {}
    for term in terms:
        memory[term] = peaks(term, sizes)
        print(f"{term}: memory measured", flush=True)
    rows = []
    for size in sizes:
        possible = [term for term in terms if "peak" in memory[term][size]]
        steps = {term: make_step(term, size) for term in possible}
        times: dict[str, list[float]] = {term: [] for term in terms}
        for step in steps.values():
            step()
        for term in possible * n_rounds:
            times[term].append(seconds(steps[term]))
        for term in terms:
            rows.append(_row(term, size, times, {name: memory[name][size] for name in terms}))
        print(f"{size[0]} modalities, batch {size[1]}: time measured", flush=True)
    return pd.DataFrame(rows)


def _row(
    term: str, size: Size, times: dict[str, list[float]], memory: dict[str, dict[str, object]]
) -> dict[str, object]:
    kind, name = term.split()
    row = {"term": name, "kind": kind, "modalities": size[0], "batch": size[1]}
    why = memory[term].get("why", "")
    reference = f"sufficiency {REFERENCE}"
    own, others = (np.array(times[each]) for each in (term, reference))
    if not len(own):
        return {**row, "why": why}
    row |= {"ms": 1000 * statistics.median(own), "MB": memory[term]["peak"] / MB}
    if len(others):
        row["time"] = float(np.median(own / others))
        if memory[reference]["peak"] > LEAST:
            row["memory"] = memory[term]["peak"] / memory[reference]["peak"]
    return {**row, "why": why}


def slope(table: pd.DataFrame, along: str, value: str) -> float:
    """Return the growth of a value along a column between the two largest sizes measured.

    NaN if there are fewer than two.
    """
    measured = table[table[value] > 0].sort_values(along).tail(2)
    if len(measured) < 2:
        return np.nan
    (x, other_x), (y, other_y) = np.log(measured[along]), np.log(measured[value])
    return float((other_y - y) / (other_x - x))


def growth(table: pd.DataFrame) -> pd.DataFrame:
    """Return the growth of time and memory of each term with the batch and the modalities.

    With the batch for the smallest number of modalities; with the modalities for the largest batch
    for which the term was measured with at least two numbers of them.
    """
    rows = []
    for (kind, name), own in table.groupby(["kind", "term"], sort=False):
        few = own[own["modalities"] == own["modalities"].min()]
        measured = own.dropna(subset=["ms"]).groupby("batch").filter(lambda part: len(part) > 1)
        many = measured[measured["batch"] == measured["batch"].max()]
        row = {"term": name, "kind": kind}
        for value, unit in (("ms", "time"), ("MB", "memory")):
            row[f"{unit}, batch"] = slope(few, "batch", value)
            row[f"{unit}, modalities"] = slope(many, "modalities", value)
        rows.append(row)
    return pd.DataFrame(rows)


def ratios(table: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return a table of terms by sizes."""
    wide = table.pivot(index=["kind", "term"], columns=["modalities", "batch"], values=value)
    wide = wide.reindex(pd.MultiIndex.from_frame(table[["kind", "term"]].drop_duplicates()))
    wide.columns = [f"{m} x {n}" for m, n in wide.columns]
    return wide.reset_index()


def _text(table: pd.DataFrame) -> str:
    """Return a table as text, with empty cells for NaN."""
    return table.astype(object).where(table.notna(), "").to_markdown(index=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[128, 512, 2048, 8192])
    parser.add_argument("--modalities", type=int, nargs="+", default=[2, 3, 4, 8, 16])
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--terms", nargs="+", help="names of terms; by default all")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--peaks", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peaks is not None:
        term, *sizes = options.peaks
        for size in sizes:
            n_modalities, n = map(int, size.split(","))
            print(json.dumps(peak(term, (n_modalities, n))), flush=True)
        return
    terms = all_terms()
    if options.terms is not None:
        terms = [term for term in terms if term.split()[1] in {REFERENCE, *options.terms}]
    sizes = {(2, n) for n in options.batch_sizes} | {(m, options.batch) for m in options.modalities}
    table = measure(terms, sorted(sizes), options.rounds)
    options.out.parent.mkdir(exist_ok=True)
    table.round(4).to_csv(options.out, index=False)
    report(table)


def report(table: pd.DataFrame) -> None:
    """Print the ratios, the growth, and what was skipped."""
    reference = table[(table["term"] == REFERENCE) & (table["kind"] == "sufficiency")]
    print(f"CPU, {torch.get_num_threads()} threads, {DIM} dimensions\n\n{REFERENCE}:\n")
    print(reference[["modalities", "batch", "ms", "MB"]].round(2).to_markdown(index=False))
    for value in ("time", "memory"):
        print(f"\n{value}, relative to {REFERENCE} (modalities x batch):\n")
        print(_text(ratios(table, value).round(2)))
    print("\ngrowth (slope of the logarithms between the two largest sizes):\n")
    print(_text(growth(table).round(1)))
    print("\nnot measured:")
    for (kind, name, why), rows in table[table["why"] != ""].groupby(["kind", "term", "why"]):
        sizes = ", ".join(
            f"{m} x {n}" for m, n in zip(rows["modalities"], rows["batch"], strict=True)
        )
        print(f"- {kind} {name}: {why} ({sizes})")


if __name__ == "__main__":
    main()
