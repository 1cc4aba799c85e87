"""Sessions of onnxruntime on an available device."""

from __future__ import annotations

import ctypes
import warnings
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from .._checks.packages import not_installed
from ..exceptions import DependencyConflictError

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def open_session(path: str | Path, providers: str | list[str], n_threads: int | None) -> Any:
    """Return an `onnxruntime.InferenceSession`.

    Raises
    ------
    NotInstalledError
        If onnxruntime is not installed.
    DependencyConflictError
        If both the CPU and the GPU build are installed.
    FileNotFoundError
        If the file does not exist.
    ValueError
        If it is not an ONNX file.
    RuntimeError
        If a requested provider cannot be used.
    """
    runtime = _import_runtime()
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"no ONNX file at {path}: export one with mibsk.onnx.export_encoder."
        )
    if providers == "auto":
        wanted = _choose_providers(runtime)
    else:
        wanted = [providers] if isinstance(providers, str) else list(providers)
        available = runtime.get_available_providers()
        if not wanted or (absent := [name for name in wanted if name not in available]):
            raise RuntimeError(
                f"this build of onnxruntime has no {absent}; it has {available}. CUDA comes with "
                "the GPU build: pip uninstall onnxruntime, then pip install onnxruntime-gpu."
            )
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    if n_threads is not None:
        options.intra_op_num_threads = n_threads
    errors = runtime.capi.onnxruntime_pybind11_state
    try:
        session = runtime.InferenceSession(str(path), options, providers=wanted)
    except errors.NoSuchFile as error:  # removed since
        raise FileNotFoundError(f"{path} was removed while it was opened.") from error
    except (errors.InvalidProtobuf, errors.InvalidGraph, errors.InvalidArgument) as error:
        raise ValueError(f"{path} is not a valid ONNX file: {error}") from error
    if session.get_providers()[0] != wanted[0]:
        message = f"onnxruntime runs {path} on {session.get_providers()[0]}, not on {wanted[0]}"
        if providers != "auto":
            raise RuntimeError(f"{message}: install a matching driver or choose other providers.")
        warnings.warn(f"{message}: its GPU libraries could not be loaded.", stacklevel=3)
    return session


def _import_runtime() -> Any:
    if _installed("onnxruntime") and _installed("onnxruntime-gpu"):
        raise DependencyConflictError(
            "both onnxruntime and onnxruntime-gpu are installed, and the CPU build silently takes "
            "precedence. Remove both and install one: pip uninstall onnxruntime onnxruntime-gpu, "
            "then pip install onnxruntime-gpu, or onnxruntime on a machine without an NVIDIA GPU."
        )
    try:
        import onnxruntime
    except ImportError as error:
        raise not_installed("to run exported encoders", "onnxruntime") from error
    return onnxruntime


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _choose_providers(runtime: Any) -> list[str]:
    # the GPU build lists CUDA as available even without a GPU
    if CUDA in runtime.get_available_providers() and cuda_device_count() > 0:
        return [CUDA, CPU]
    return [CPU]


def cuda_device_count() -> int:
    """Return the number of GPUs known to the NVIDIA driver; 0 without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
