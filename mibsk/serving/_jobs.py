"""Embedding of the rows of one request, at once or in a thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ._errors import RequestError, bad_request, errors_of_rows
from ._service import Service
from ._snapshot import ServedEncoder

_SMALL_BODY = 16_384  # bytes; larger ones are read in a thread
_AT_ONCE = 0.001  # seconds; a thread costs about a tenth of it

_Job = TypeVar("_Job", bound="Job")


@dataclass(frozen=True)
class Job:
    """Rows that an encoder is to embed.

    Parameters
    ----------
    served : ServedEncoder
        The encoder.
    rows : object
        Rows, not yet checked.
    param : str
        Field of the request that contains them.
    """

    served: ServedEncoder
    rows: Any
    param: str

    @property
    def seconds(self) -> float:
        """Time that the encoder may take."""
        return len(self.rows) * self.served.seconds

    def check_number(self, max_rows: int) -> None:
        """Raise unless there are rows, and not too many."""
        if not len(self.rows):
            raise bad_request(f"{self.param} is empty: send at least one row.", self.param)
        if len(self.rows) > max_rows:
            raise bad_request(
                f"{self.param} has {len(self.rows):,} rows, more than {max_rows:,}: send several "
                "requests.",
                self.param,
            )

    def embed(self, service: Service) -> np.ndarray:
        """Return the embeddings (n, n_components).

        Raises
        ------
        RequestError
            If rows are wrong or missing: 400; if an embedding is not finite: 422.
        """
        with errors_of_rows(self.param):
            z = self.served.embed(self.rows)
        missing = np.isnan(z[:, 0])  # those of other rows are finite
        if missing.any():
            raise bad_request(
                f"row {int(missing.argmax())} of {self.param} is missing (NaN alone), and has no "
                "embedding: leave it out.",
                self.param,
            )
        service.metrics.rows(self.served.spec.name, len(z))
        return z


async def answer(
    service: Service, n_bytes: int, read: Callable[[], _Job], respond: Callable[[_Job], Any]
) -> Any:
    """Return what `respond` makes of the job that `read` returns.

    Few rows are embedded at once; what takes longer is done in a thread, so that other requests
    need not wait.

    Parameters
    ----------
    service : Service
        Its threads are used.
    n_bytes : int
        Size of the body.
    read, respond : callable
        The two steps.
    """
    if n_bytes > _SMALL_BODY:
        return await service.in_thread(lambda: respond(read()))
    job = read()
    if job.seconds > _AT_ONCE:
        return await service.in_thread(respond, job)
    return respond(job)


def not_finite(param: str) -> RequestError:
    """Return the error of an embedding that is not finite."""
    return RequestError(
        422, "the first components of an embedding are 0.", "embedding_not_finite", param
    )
