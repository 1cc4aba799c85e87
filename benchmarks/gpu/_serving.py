"""Exported encoders on a GPU, by onnxruntime."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mibsk import OnnxEncoder
from mibsk.onnx import export_encoder

from ._setup import CPU, LeftOut, Row, Setup, aligner, seconds, sprites

CUDA = "CUDAExecutionProvider"


def serving(setup: Setup) -> list[Row]:
    """One row, and many, through an exported encoder: `OnnxEncoder`, IO binding, CUDA graph."""
    try:
        import onnxruntime
    except ImportError as error:
        raise LeftOut("onnxruntime is not installed") from error
    on_gpu = setup.device.type == "cuda"
    if on_gpu and CUDA not in onnxruntime.get_available_providers():
        raise LeftOut("this onnxruntime has no CUDA: install onnxruntime-gpu in its place")
    provider = CUDA if on_gpu else "CPUExecutionProvider"
    rows: list[Row] = []
    for name in ("mlp", "resnet20"):
        data = sprites(setup.n(1024, 256), 32)
        fitted = aligner(setup.device, name, max_epochs=1).fit(data)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "image.onnx"
            export_encoder(fitted, "image", path)
            encoder = OnnxEncoder(path, providers=provider)
            expected = fitted.embed({"image": data["image"]})["image"]
            for n in (1, 64, len(expected)):
                X = np.ascontiguousarray(data["image"][:n])
                ways: dict[str, Callable[[], np.ndarray]] = {
                    "OnnxEncoder": partial(encoder.transform, X),
                    "IO binding": _bound(onnxruntime, path, provider, X, {}),
                }
                if on_gpu:
                    graph = {"enable_cuda_graph": "1"}
                    ways["IO binding, CUDA graph"] = _bound(onnxruntime, path, provider, X, graph)
                for way, run in ways.items():
                    row: Row = {"encoder": name, "rows": n, "way": way}
                    row["ms"] = round(1000 * seconds(run, CPU, 20, warm_up=3), 3)
                    differ = float(np.abs(run() - expected[:n]).max())
                    rows.append(row | {"differs by": differ, "holds": differ <= 1e-4})
    return rows


def _bound(
    onnxruntime: Any, path: Path, provider: str, X: np.ndarray, options: dict[str, str]
) -> Callable[[], np.ndarray]:
    """Return a call that embeds the rows, with inputs and outputs that stay on the device."""
    session = onnxruntime.InferenceSession(str(path), providers=[(provider, options)])
    kind = "cuda" if provider == CUDA else "cpu"
    [given], [made] = session.get_inputs(), session.get_outputs()
    binding = session.io_binding()
    value = onnxruntime.OrtValue.ortvalue_from_numpy(X, kind, 0)
    width = made.shape[1]
    output = onnxruntime.OrtValue.ortvalue_from_shape_and_type([len(X), width], np.float32, kind, 0)
    binding.bind_ortvalue_input(given.name, value)
    binding.bind_ortvalue_output(made.name, output)

    def run() -> np.ndarray:
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        result: np.ndarray = output.numpy()
        return result

    return run
