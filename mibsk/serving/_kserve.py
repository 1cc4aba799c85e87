"""KServe's inference protocol, version 2: each modality is a model of one input and one output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from .. import __version__
from ..data import InputSpec
from ._errors import RequestError, bad_request
from ._fields import boolean, check_object, json_object, shortened
from ._jobs import Job, answer
from ._openapi import described
from ._responses import json_response
from ._service import Service
from ._snapshot import ServedEncoder, Snapshot
from ._tensors import TYPES, read_tensor, split_body

INPUT, OUTPUT = "x", "z"

_HEADER = "Inference-Header-Content-Length"
_REQUEST = ("id", "inputs", "outputs", "parameters")
_IGNORED = ("sequence_id", "sequence_start", "sequence_end", "priority", "timeout")
_LABELS = {str: "BYTES", bool: "BOOL", int: "INT64", float: "FP64"}
_START, _END = "/v2/models/", "/infer"
_MODEL = _START + "{model:path}"
_VERSION = _MODEL + "/versions/{version}"
ROUTE = _MODEL + _END


@dataclass(frozen=True)
class _Inference(Job):
    model: str
    version: str
    id: str | None
    binary: bool


def routes(service: Service) -> APIRouter:
    """Return the routes of this protocol."""
    router = APIRouter(tags=["KServe v2"])

    def get(*paths: str) -> Callable[[Any], Any]:
        def add(function: Any) -> Any:
            for path in paths:
                router.get(path, **described("kserve"))(function)
            return function

        return add

    @get("/v2")
    async def server() -> Response:
        """Describe the server."""
        return json_response(
            {"name": "mibsk", "version": __version__, "extensions": ["binary_tensor_data"]}
        )

    @get("/v2/health/live")
    async def live() -> Response:
        """Say that the process answers."""
        return json_response({"live": True})

    @get("/v2/health/ready")
    async def ready() -> Response:
        """Say that requests are answered."""
        return json_response({"ready": not service.draining}, 503 if service.draining else 200)

    @get(_VERSION + "/ready", _MODEL + "/ready")
    async def model_ready(model: str, version: str = "") -> Response:
        """Say that a model is served."""
        _encoder(service.snapshot, model, version)
        return json_response({"name": model, "ready": True})

    @router.post(_VERSION + _END, **described("kserve", "Inference"))
    @router.post(ROUTE, **described("kserve", "Inference"))
    async def infer(request: Request, model: str, version: str = "") -> Response:
        """Embed the rows of a tensor, in JSON or, with the header of its length, in binary."""
        body, headers = request.scope["mibsk.body"], dict(request.scope["headers"])
        return await infer_version(service, model, version, body, headers)

    @get(_VERSION, _MODEL)
    async def metadata(model: str, version: str = "") -> Response:
        """Describe the input and the output of a model."""
        snapshot = service.snapshot
        spec = _encoder(snapshot, model, version).spec
        datatype, shape = input_type(spec)
        n_components = snapshot.bundle.manifest.n_components
        return json_response(
            {
                "name": model,
                "versions": [snapshot.version],
                "platform": "onnxruntime_onnx",
                "inputs": [{"name": INPUT, "datatype": datatype, "shape": shape}],
                "outputs": [{"name": OUTPUT, "datatype": "FP32", "shape": [-1, n_components]}],
            }
        )

    return router


def model_of(path: str) -> str | None:
    """Return the model of a path that asks for inference by its latest version."""
    if not (path.startswith(_START) and path.endswith(_END)) or "/versions/" in path:
        return None
    return path[len(_START) : -len(_END)]


async def infer_version(
    service: Service, model: str, version: str, body: bytes, headers: Mapping[bytes, bytes]
) -> Response:
    """Return the answer to a request for inference."""
    snapshot = service.snapshot
    served = _encoder(snapshot, model, version)
    header = headers.get(_HEADER.lower().encode())
    return await answer(
        service,
        len(body),
        lambda: _read(service, snapshot, served, body, header),
        lambda job: _respond(service, job),
    )


def input_type(spec: InputSpec) -> tuple[str, list[int]]:
    """Return the type and shape of the tensor that a modality takes; -1 is the number of rows."""
    if spec.kind == "text":
        return "BYTES", [-1]
    if spec.kind == "labels":
        return _LABELS[type(spec.classes[0])], [-1]
    return "UINT8" if spec.dtype == "uint8" else "FP32", [-1, *spec.shape]


def _encoder(snapshot: Snapshot, model: str, version: str) -> ServedEncoder:
    served = snapshot.encoder(model, "model")
    if version not in ("", snapshot.version):
        raise RequestError(
            404,
            f"model {model!r} has the version {snapshot.version}, not {shortened(version)}.",
            "model_not_found",
        )
    return served


def _read(
    service: Service, snapshot: Snapshot, served: ServedEncoder, body: bytes, header: bytes | None
) -> _Inference:
    text, binary = split_body(body, header)
    values = json_object(text, _REQUEST, ("inputs",))
    if not isinstance(values.get("id", ""), str):
        raise bad_request("id must be a string.", "id")
    inputs = values["inputs"]
    if not isinstance(inputs, list) or len(inputs) != 1:
        raise bad_request(f"inputs must be a list of one tensor, {INPUT!r}.", "inputs")
    rows, used = read_tensor(inputs[0], binary)
    if inputs[0]["name"] != INPUT:
        raise bad_request(
            f"the input of a model is {INPUT!r}, got {shortened(inputs[0]['name'])}.", "inputs"
        )
    if used != len(binary):
        raise bad_request(f"{len(binary) - used} bytes follow the binary data of the tensor.")
    parameters = values.get("parameters", {})
    check_object("parameters", parameters, ("binary_data_output", *_IGNORED))
    all_binary = boolean(parameters, "binary_data_output")
    binary_output = _is_binary(values.get("outputs", []), all_binary)
    job = _Inference(
        served,
        _as_rows(served.spec, rows),
        INPUT,
        served.spec.name,
        snapshot.version,
        values.get("id"),
        binary_output,
    )
    job.check_number(service.settings.max_rows)
    return job


def _is_binary(outputs: Any, binary: bool) -> bool:
    """Return whether the output is wanted in binary; outputs need not be listed."""
    if not isinstance(outputs, list):
        raise bad_request("outputs must be a list of objects with a name.", "outputs")
    for output in outputs:
        check_object("an output", output, ("name", "parameters"), ("name",))
        if output["name"] != OUTPUT:
            raise bad_request(
                f"the output of a model is {OUTPUT!r}, got {shortened(output['name'])}.", "outputs"
            )
        parameters = output.get("parameters", {})
        check_object("parameters of an output", parameters, ("binary_data",))
        binary = boolean(parameters, "binary_data") if "binary_data" in parameters else binary
    return binary


def _as_rows(spec: InputSpec, tensor: np.ndarray) -> Any:
    """Return a tensor as rows: strings and labels as a list, of shape (n,) or (n, 1)."""
    if spec.kind not in ("text", "labels"):
        if tensor.dtype == object:  # NumPy would read numbers in strings
            raise bad_request(f"model {spec.name!r} takes numbers, got BYTES, strings.", INPUT)
        return tensor
    if tensor.ndim > 2 or tensor.shape[1:] not in ((), (1,)):
        raise bad_request(
            f"model {spec.name!r} takes a tensor of shape [n], got {list(tensor.shape)}.", INPUT
        )
    return tensor.reshape(-1).tolist()


def _respond(service: Service, job: _Inference) -> Response:
    z = job.embed(service)
    output: dict[str, Any] = {"name": OUTPUT, "datatype": "FP32", "shape": list(z.shape)}
    content: dict[str, Any] = {"model_name": job.model, "model_version": job.version}
    if job.id is not None:
        content["id"] = job.id
    content["outputs"] = [output]
    if not job.binary:
        output["data"] = z.reshape(-1)
        return json_response(content)
    data = z.astype(TYPES["FP32"], copy=False).tobytes()
    output["parameters"] = {"binary_data_size": len(data)}
    head = orjson.dumps(content)
    return Response(
        head + data, headers={_HEADER: str(len(head))}, media_type="application/octet-stream"
    )
