"""Microseconds of one row through an encoder, beside the session that computes it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from mibsk import IBAligner, OnnxEncoder
from mibsk.onnx import export_encoder

from ._ratio import Ratio, in_turns

WIDTHS = (20, 784, 4096)
REPEAT = 200


def ratios() -> Iterator[Ratio]:
    """MLPs of three widths, on one thread."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    for width in WIDTHS:
        hidden = rng.normal(size=(300, 8))
        X = {
            name: (hidden @ rng.normal(size=(8, width))).astype(np.float32)
            for name in ("left", "right")
        }
        aligner = IBAligner(encoders="mlp", max_epochs=1, random_state=0).fit(X)
        row = X["left"][:1]
        with tempfile.TemporaryDirectory() as folder:
            path = export_encoder(aligner, "left", Path(folder) / "left.onnx")
            onnx, encoder = OnnxEncoder(path, n_threads=1), aligner.encoder("left")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
            module = aligner.as_module("left")
            yield from _of_width(width, row, onnx, encoder, aligner, session, module)


def _of_width(width, row, onnx, encoder, aligner, session, module) -> Iterator[Ratio]:  # type: ignore[no-untyped-def]
    def bare() -> object:
        return session.run(["z"], {"x": row})

    def in_torch() -> object:
        with torch.inference_mode():
            return module(torch.from_numpy(row)).numpy()

    rival = "the bare session of onnxruntime"
    for what, ours in (
        ("OnnxEncoder.transform", lambda: onnx.transform(row)),
        ("encoder(name).transform", lambda: encoder.transform(row)),
        ("IBAligner.embed", lambda: aligner.embed({"left": row})),
        ("the torch module alone", in_torch),
    ):
        yield in_turns(
            f"one row of {width} values, {what}", rival, ours, bare, rounds=9, repeat=REPEAT
        )
    yield in_turns(
        f"one row of {width} values, encoder(name).transform",
        "the torch module alone",
        lambda: encoder.transform(row),
        in_torch,
        rounds=9,
        repeat=REPEAT,
    )
