"""Speed of beam search with and without stored keys and values, by torch and by onnxruntime.

    OMP_NUM_THREADS=1 python -m benchmarks.captioning_speed [--rounds 5] [--beams 3] [--words 8000]

A captioner of the default size, which has hardly been trained and never ends a text, describes 1
and 32 pictures of 49 patches in captions of 31 tokens. All ways take turns, and ratios to the first
one are medians over the rounds, with the least and the largest. Without stored keys and values, all
tokens so far are read again in each step. That the texts are the same is checked.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mibsk import QFormerCaptioner
from mibsk.captioning import BEGIN, END, beam_search, likeliest_texts, likeliest_tokens
from mibsk.onnx import export_captioner, open_session

N_PATCHES, WIDTH = 49, 384
CPU = ["CPUExecutionProvider"]

Write = Callable[[np.ndarray, list[Any]], tuple[Any, list[Any]]]
"""From tokens (n, length) and what is before them to logits, and what is before later ones."""


def untrained(n_words: int) -> QFormerCaptioner:
    """Return a captioner with as many words, fitted in one short epoch."""
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(rng.choice(letters, 6)) for _ in range(n_words)]
    captions = [" ".join(words[i : i + 30]) for i in range(0, n_words, 30)]
    features = rng.standard_normal((len(captions), N_PATCHES, WIDTH), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long captions are cut
        captioner = QFormerCaptioner(n_tokens=n_words, max_epochs=1, random_state=0)
        captioner.fit(features, captions)
    with torch.no_grad():
        captioner.qformer_.word_bias[END] = -1e3
    return captioner


def read_again(write: Write, memory: list[Any], take: Callable[[Any, np.ndarray], Any]) -> Any:
    """Return the scorer of next tokens that stores texts, but no keys and values of them."""
    texts: np.ndarray | None = None
    seen = memory

    def next_tokens(rows: np.ndarray, tokens: np.ndarray, k: int) -> tuple[Any, Any]:
        nonlocal texts, seen
        seen = [take(each, rows) for each in seen]
        last = tokens[:, None]
        texts = last if texts is None else np.concatenate([texts[rows], last], 1)
        log_p, words = likeliest_tokens(write(texts, seen)[0][:, -1], k)
        return np.asarray(log_p), np.asarray(words)

    return next_tokens


def with_memory(write: Write, memory: list[Any]) -> Any:
    """Return the scorer of next tokens that stores keys and values."""

    def next_tokens(rows: np.ndarray, tokens: np.ndarray, k: int) -> tuple[Any, Any]:
        nonlocal memory
        logits, memory = write(tokens[:, None], [each[rows] for each in memory])
        return likeliest_tokens(logits[:, -1], k)

    return next_tokens


def ways(
    captioner: QFormerCaptioner, folder: Path, features: np.ndarray, n_beams: int
) -> dict[str, Callable[[], np.ndarray]]:
    """Return functions that describe the pictures, by name."""
    qformer = captioner.qformer_
    tower = captioner.aligner_.as_module("picture").backbone
    look, step = (open_session(folder / f"{name}.onnx", CPU, 1) for name in ("look", "write"))
    names = [each.name for each in step.get_inputs()]
    settings = {"begin": BEGIN, "end": END, "n_beams": n_beams, "length_penalty": 1.0}
    n, longest = len(features), qformer.max_length - 1

    def by_onnx(tokens: np.ndarray, memory: list[Any]) -> tuple[Any, list[Any]]:
        logits, *longer = step.run(None, dict(zip(names, [tokens, *memory], strict=True)))
        return logits, longer

    def by_torch(tokens: np.ndarray, memory: list[Any]) -> tuple[Any, list[Any]]:
        return qformer.write(torch.from_numpy(tokens), memory)

    def search(next_tokens: Any) -> np.ndarray:
        return likeliest_texts(next_tokens, n, longest=longest, **settings)[0]

    def queries() -> Any:
        with torch.inference_mode():
            return tower.memory_of(torch.from_numpy(features))

    def pairs(pair: Any, rows: np.ndarray) -> Any:
        return tuple(each[torch.from_numpy(rows)] for each in pair)

    def torch_again() -> np.ndarray:
        with torch.inference_mode():
            return search(read_again(by_torch, queries(), pairs))

    return {
        "torch": lambda: beam_search(qformer, queries(), **settings)[0].numpy(),
        "torch, read again": torch_again,
        "onnxruntime": lambda: search(with_memory(by_onnx, look.run(None, {"x": features}))),
        "onnxruntime, read again": lambda: search(
            read_again(by_onnx, look.run(None, {"x": features}), lambda each, rows: each[rows])
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beams", type=int, default=3)
    parser.add_argument("--words", type=int, default=8000)
    options = parser.parse_args()
    captioner = untrained(options.words)
    print(f"{captioner.tokenizer_.n_tokens} tokens, {options.beams} beams")
    with tempfile.TemporaryDirectory() as folder:
        export_captioner(captioner, folder)
        for n in (1, 32):
            rng = np.random.default_rng(n)
            features = rng.standard_normal((n, N_PATCHES, WIDTH), np.float32)
            programs = ways(captioner, Path(folder), features, options.beams)
            texts = {name: describe() for name, describe in programs.items()}  # and warm-up
            n_tokens = texts["torch"].size
            same = {name: float((found == texts["torch"]).mean()) for name, found in texts.items()}
            rounds = []
            for _ in range(options.rounds):
                times = []
                for describe in programs.values():
                    started = time.perf_counter()
                    describe()
                    times.append(time.perf_counter() - started)
                rounds.append(times)
            seconds = np.array(rounds)
            ratios = seconds[:, :1] / seconds
            print(f"pictures: {n}, tokens: {n_tokens}")
            for i, name in enumerate(programs):
                low, ratio, high = np.quantile(ratios[:, i], [0, 0.5, 1])
                speed = n_tokens / np.median(seconds[:, i])
                print(
                    f"  {name:24}{speed:8.0f} tokens/s{ratio:7.2f}x ({low:.2f} to {high:.2f})"
                    f"   {same[name]:.1%} of the tokens as torch",
                    flush=True,
                )


if __name__ == "__main__":
    main()
