"""Hold out whole speakers: in a search over a pipeline, in each fit, and where traits are read."""

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from mibsk import CanonicalBottleneck, ModalityEncoder
from mibsk.metrics import leakage

rng = np.random.default_rng(0)
speaker = np.repeat([f"speaker {i}" for i in range(40)], 10)
trait = np.repeat(rng.integers(2, size=40), 10)  # drawn at random for each
said = rng.standard_normal((400, 3))
data = np.hstack([said, np.repeat(rng.standard_normal((40, 8)), 10, axis=0), said])
data += 0.2 * rng.standard_normal(data.shape)
views = {"audio": slice(0, 11), "text": slice(11, 14)}
encoder = ModalityEncoder(CanonicalBottleneck(modalities=views), "audio")
with sklearn.config_context(enable_metadata_routing=True):
    model = make_pipeline(encoder.set_fit_request(groups=True), LogisticRegression())
    scores = cross_val_score(
        model, data, said[:, 0] > 0, cv=GroupKFold(4), params={"groups": speaker}
    )
Z = encoder.fit_transform(data, groups=speaker)
without, with_groups = (leakage(data, trait, probe="mlp", groups=g) for g in (None, speaker))
left = leakage(Z, trait, probe="mlp", groups=speaker)
print("what was said", scores.mean(), "leak", without, with_groups, left)
