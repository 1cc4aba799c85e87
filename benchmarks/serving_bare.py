"""The shortest FastAPI application around an encoder, beside ``mibsk serve``.

python -m benchmarks.serving_bare FILE.onnx PORT
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


def serve(path: str, port: int) -> None:
    """Serve a session."""
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


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
