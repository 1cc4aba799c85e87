"""OpenAI's client, pointed at the server."""

import numpy as np
import pytest

from mibsk.bundle import Bundle

from .conftest import server_in_thread

openai = pytest.importorskip("openai")


@pytest.fixture(scope="module")
def sdk(digits):
    with (
        server_in_thread(digits, token="secret") as (_, port),
        openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="secret") as client,
    ):
        yield client


def test_rows_are_embedded(sdk, digits, halves):
    """The client asks for base64 of its own accord, and decodes it."""
    X = halves["left"][:4]
    answer = sdk.embeddings.create(model="digits/left", input=X.tolist())
    z = np.array([each.embedding for each in answer.data], np.float32)
    np.testing.assert_allclose(z, Bundle(digits).embed("left", X), rtol=0, atol=1e-6)
    assert answer.usage.total_tokens == 4
    cut = sdk.embeddings.create(
        model="left", input=X.tolist(), dimensions=2, encoding_format="float"
    )
    norms = np.linalg.norm([each.embedding for each in cut.data], axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-6)


def test_models_are_listed(sdk):
    assert [model.id for model in sdk.models.list()] == ["digits/left", "digits/right"]
    assert sdk.models.retrieve("digits/left").id == "digits/left"


def test_errors_are_those_of_the_client(sdk, halves):
    with pytest.raises(openai.BadRequestError, match="got lists 1 deep"):
        sdk.embeddings.create(model="left", input=[1.0, 2.0])
    with pytest.raises(openai.NotFoundError, match="no modality 'up'"):
        sdk.embeddings.create(model="up", input=halves["left"][0].tolist())
    with pytest.raises(openai.AuthenticationError, match="not the one of this server"):
        sdk.with_options(api_key="other").models.list()
