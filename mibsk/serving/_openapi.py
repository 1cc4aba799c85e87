"""Description of requests and errors for the OpenAPI document.

Bodies are read by hand, for their messages and for time; here is what they may be.
"""

from __future__ import annotations

from typing import Any

_ANY_ROWS = {
    "description": "One row or a list of rows: numbers in lists of the shape of a row, a string of "
    "text, a class label, an object from columns to values, or a data URL of a picture.",
}
_RESIZE = {
    "type": "boolean",
    "default": False,
    "description": "Whether pictures of another size are resized.",
}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


_TENSOR = _object(
    ["name", "shape", "datatype"],
    name={"type": "string"},
    shape={"type": "array", "items": {"type": "integer", "minimum": 0}},
    datatype={"type": "string"},
    data={"type": "array", "items": {}},
    parameters={"type": "object"},
)
BODIES: dict[str, dict[str, Any]] = {
    "Embeddings": _object(
        ["model", "input"],
        model={"type": "string", "description": '"name/modality" or "modality".'},
        input=_ANY_ROWS,
        encoding_format={"type": "string", "enum": ["float", "base64"], "default": "float"},
        dimensions={
            "type": ["integer", "null"],
            "minimum": 1,
            "description": "Number of the first components, if components are ordered.",
        },
        resize=_RESIZE,
        user={"type": "string", "description": "Ignored."},
    ),
    "Inference": _object(
        ["inputs"],
        id={"type": "string"},
        inputs={"type": "array", "items": _TENSOR, "minItems": 1, "maxItems": 1},
        outputs={"type": "array", "items": {"type": "object"}},
        parameters={"type": "object"},
    ),
    "Search": _object(
        ["query", "modality"],
        query={
            "oneOf": [
                _object(
                    ["modality", "input"], modality={"type": "string"}, input={}, resize=_RESIZE
                ),
                _object(["modality", "id"], modality={"type": "string"}, id={"type": "string"}),
                _object(["vector"], vector={"type": "array", "items": {"type": "number"}}),
            ]
        },
        modality={"type": "string", "description": "Modality of the rows to find."},
        k={"type": "integer", "minimum": 1, "maximum": 1000, "default": 10},
        where={
            "type": ["object", "null"],
            "description": "Conditions on columns of metadata: a value, a list of values, or an "
            'object of "gte", "gt", "lte", "lt", "ne".',
        },
    ),
}

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        }
    },
}
_KSERVE_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}
_REASONS = {
    400: "Bad input; the message says what was expected.",
    401: "The token is missing or wrong.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: "The index is of another model.",
    413: "The body is too large.",
    415: "The body is of another type.",
    422: "An embedding is not finite.",
    503: "The server is about to end, or the index cannot be read.",
}
_ALWAYS = (400, 401, 404, 408, 413, 415)


def described(
    protocol: str = "", body: str | None = None, *, extra: tuple[int, ...] = (), content: str = ""
) -> dict[str, Any]:
    """Return arguments of a route that describe its body and its answers.

    Parameters
    ----------
    protocol : str, default=""
        "kserve" has errors of another form.
    body : str, default=None
        Name of the body in `BODIES`.
    extra : tuple of int, default=()
        Further status codes.
    content : str, default=""
        Media type of the answer, JSON if not given.
    """
    schema = _KSERVE_ERROR if protocol == "kserve" else _ERROR
    codes = sorted({*_ALWAYS, *extra, *((422,) if body else ())})
    responses: dict[int | str, dict[str, Any]] = {
        code: {"description": _REASONS[code], "content": {"application/json": {"schema": schema}}}
        for code in codes
    }
    media = content or "application/json"
    responses[200] = {"description": "The answer.", "content": {media: {"schema": {}}}}
    if body is None:
        return {"responses": responses}
    required = {"required": True, "content": {"application/json": {"schema": BODIES[body]}}}
    return {"responses": responses, "openapi_extra": {"requestBody": required}}
