"""LitServe with one worker and without batching, beside ``mibsk serve``.

python -m benchmarks.serving_litserve FILE.onnx PORT
"""

from __future__ import annotations

import os
import sys

import litserve
import numpy as np

from .serving_bare import session_of


class Embed(litserve.LitAPI):
    """Embeds the rows of a request; the file is named in the environment of the worker."""

    def setup(self, device: str) -> None:
        """Open the encoder."""
        self.session = session_of(os.environ["ENCODER"])

    def decode_request(self, request: dict) -> np.ndarray:
        """Return rows."""
        return np.asarray(request["input"], np.float32)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return embeddings."""
        return self.session.run(["z"], {"x": x})[0]

    def encode_response(self, output: np.ndarray) -> dict:
        """Return plain values."""
        return {"embedding": output.tolist()}


if __name__ == "__main__":
    os.environ["ENCODER"] = sys.argv[1]
    server = litserve.LitServer(Embed(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", generate_client_file=False
    )
