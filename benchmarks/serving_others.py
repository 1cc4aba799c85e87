"""Servers that are compared with ``mibsk serve``, each a process.

python -m benchmarks.serving_others bare|litserve FILE.onnx PORT
"""

import sys

import numpy as np
import onnxruntime


def session_of(path: str) -> onnxruntime.InferenceSession:
    """Return a session with one thread, as that of ``mibsk serve``."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def bare(path: str, port: int) -> None:
    """Serve a session by the shortest FastAPI application."""
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    app, session = FastAPI(), session_of(path)

    class Rows(BaseModel):
        input: list[list[list[float]]]

    @app.post("/")
    async def embed(rows: Rows) -> dict[str, list[list[float]]]:
        (z,) = session.run(["z"], {"x": np.asarray(rows.input, np.float32)})
        return {"embedding": z.tolist()}

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def litserve(path: str, port: int) -> None:
    """Serve a session by LitServe with one worker, without batching."""
    import litserve

    class Embed(litserve.LitAPI):
        def setup(self, device: str) -> None:
            self.session = session_of(path)

        def decode_request(self, request: dict) -> np.ndarray:
            return np.asarray(request["input"], np.float32)

        def predict(self, x: np.ndarray) -> np.ndarray:
            return self.session.run(["z"], {"x": x})[0]

        def encode_response(self, output: np.ndarray) -> dict:
            return {"embedding": output.tolist()}

    server = litserve.LitServer(Embed(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=port, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    {"bare": bare, "litserve": litserve}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
