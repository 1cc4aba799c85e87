"""Errors of a request, as OpenAI's and KServe's protocols write them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from starlette.responses import Response

from ..exceptions import EmbeddingError

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "overloaded_error",
    503: "unavailable_error",
}

_LONGEST = 800  # characters of a message


class RequestError(Exception):
    """A request that cannot be answered.

    Parameters
    ----------
    status : int
        Status code of the response, 4xx or 503.
    message : str
        What was expected, what came, and what to do.
    code : str
        Short name of the kind of error, for programs.
    param : str, default=None
        Field of the request that is wrong.
    headers : dict of str, default=None
        Further headers of the response.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        if len(message) > _LONGEST:  # it may quote the request
            message = f"{message[:_LONGEST]}..."
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.headers = headers


def bad_request(message: str, param: str | None = None) -> RequestError:
    """Return an error of the input."""
    return RequestError(400, message, "bad_input", param)


def error_response(path: str, error: RequestError) -> Response:
    """Return the response to a request that failed, in the form of the protocol of its path."""
    if path == "/v2" or path.startswith("/v2/"):
        content: dict[str, object] = {"error": error.message}
    else:
        kind = _TYPES.get(error.status, _TYPES[400])
        content = {
            "error": {
                "message": error.message,
                "type": kind,
                "param": error.param,
                "code": error.code,
            }
        }
    return Response(
        orjson.dumps(content), error.status, error.headers, media_type="application/json"
    )


@contextmanager
def errors_of_rows(param: str) -> Iterator[None]:
    """Turn the errors of Python's interface into those of a request: 400, or 422 if NaN came out.

    Parameters
    ----------
    param : str
        Field of the request that contains the rows.
    """
    try:
        yield
    except EmbeddingError as error:
        raise RequestError(422, str(error), "embedding_not_finite", param) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise bad_request(str(error), param) from error
