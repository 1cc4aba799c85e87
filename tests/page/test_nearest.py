"""The search of a static site, against that of an index."""

import json

import numpy as np

from mibsk.index._ranking import inner_products
from tests.javascript import in_node


def test_scores_are_those_of_an_index_and_at_most_one():
    z = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    z[-1] *= 3
    rows = z.astype(float).ravel().tolist()
    found = in_node(
        "nearest.js",
        f"""(() => {{
            const z = new Float32Array({json.dumps(rows)});
            const ids = Array.from({{ length: 60 }}, (_, i) => String(i));
            return ids.map((_, i) => {{
                const query = z.subarray(8 * i, 8 * i + 8);
                const hits = page.nearest(z, query, ids, 60, () => true);
                return hits.sort((a, b) => a.row - b.row).map(({{ score }}) => score);
            }});
        }})()""",
    )
    expected = [inner_products(z, query) for query in z]
    np.testing.assert_allclose(found, expected, rtol=3e-7)
    assert np.abs(np.array(found)[:-1, :-1]).max() == 1
    np.testing.assert_allclose(found[-1][-1], 9, rtol=1e-6)
