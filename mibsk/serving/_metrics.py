"""Metrics of the server, in Prometheus' format."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ..bundle import Manifest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Counters of one server; each has a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "mibsk_requests",
            "Requests by route and status.",
            ("route", "status"),
            registry=registry,
        )
        self._latency = Histogram(
            "mibsk_request_seconds",
            "Seconds from the headers of a request to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._rows = Counter(
            "mibsk_rows_embedded", "Rows embedded, by modality.", ("modality",), registry=registry
        )
        self.in_progress = Gauge(
            "mibsk_requests_in_progress", "Requests that are being answered.", registry=registry
        )
        self.reloads = Counter(
            "mibsk_reloads", "Reloads of the bundle, by outcome.", ("outcome",), registry=registry
        )
        self.reload_problem = Gauge(
            "mibsk_reload_problem",
            "1 if the bundle in the folder could not be opened and an older one is served.",
            registry=registry,
        )
        self.unexpected_errors = Counter(
            "mibsk_unexpected_errors", "Requests that failed by a defect.", registry=registry
        )
        self._bundle = Gauge(
            "mibsk_bundle_info",
            "1 for the bundle that is served.",
            ("name", "version", "digest"),
            registry=registry,
        )
        self._children: dict[tuple[str, int], tuple[Any, Any]] = {}
        self._rows_of: dict[str, Any] = {}

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        children = self._children.get((route, status))
        if children is None:  # looking labels up takes as long as counting
            children = self._requests.labels(route, str(status)), self._latency.labels(route)
            self._children[route, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def rows(self, modality: str, n: int) -> None:
        """Count rows that were embedded."""
        child = self._rows_of.get(modality)
        if child is None:
            child = self._rows_of[modality] = self._rows.labels(modality)
        child.inc(n)

    def show(self, manifest: Manifest) -> None:
        """Show which bundle is served."""
        self._bundle.clear()
        self._bundle.labels(manifest.name, manifest.version, manifest.digest).set(1)

    def text(self) -> bytes:
        """Return all metrics."""
        return generate_latest(self.registry)
