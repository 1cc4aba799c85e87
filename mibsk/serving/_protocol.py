"""HTTP/1.1 as uvicorn speaks it, with a time limit for requests and for the reading of answers."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

ARRIVED = "mibsk.arrived"
"""Key of a scope that is True if the whole request has arrived."""


def protocol(timeout: float) -> type[HttpToolsProtocol]:
    """Return uvicorn's protocol with time limits.

    Without them, clients that send a header every minute, or never read, hold connections for ever.

    Parameters
    ----------
    timeout : float
        Seconds in which the headers of a request have to arrive, and those in which an answer has
        to be read. The whole request has twice as long: the body has its own limit, whose error
        the application writes, and this one ends what is sent after that error.
    """

    class TimedProtocol(HttpToolsProtocol):
        _deadline: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._expect_within(timeout)

        def connection_lost(self, exc: Exception | None) -> None:
            self._expect_within(None)
            self.resume_writing()
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._expect_within(timeout)

        def on_headers_complete(self) -> None:
            self._expect_within(2 * timeout)
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._expect_within(None)
            self.scope[ARRIVED] = True  # type: ignore[literal-required]
            super().on_message_complete()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._unread = self.loop.call_later(timeout, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._unread is not None:
                self._unread.cancel()
                self._unread = None

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.transport.get_write_buffer_size():
                self.loop.call_later(timeout, self._abort_if_unread)

        def _expect_within(self, seconds: float | None) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
            after = self.loop.call_later
            self._deadline = None if seconds is None else after(seconds, self._end_request)

        def _end_request(self) -> None:
            if self.transport.is_closing():
                return
            idle = self.cycle is None or self.cycle.response_complete
            if idle and self.parser is not None:  # the headers are not complete
                self.transport.write(
                    STATUS_LINE[408] + b"content-length: 0\r\nconnection: close\r\n\r\n"
                )
                self.transport.close()
            else:
                self.transport.abort()

        def _abort_if_unread(self) -> None:
            if self.transport.get_write_buffer_size():
                self.transport.abort()

    return TimedProtocol
