"""Search over the width of the encoder of one modality."""

from scipy.stats import uniform
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV

from mibsk import IBAligner, Modalities
from mibsk.encoders import MLP

images = load_digits().images
pairs = Modalities({"left": images[:, :, :4], "right": images[:, :, 4:]})
encoders = {"left": MLP(), "right": MLP(hidden=(64,))}
search = RandomizedSearchCV(
    IBAligner(encoders=encoders, max_epochs=3, random_state=0),
    {
        "encoders__left__hidden": [(1,), (64,), (128, 64)],
        "encoders__left__dropout": uniform(0, 0.2),
    },
    n_iter=5,
    cv=2,
    random_state=0,
    error_score="raise",
).fit(pairs)
best = search.best_estimator_.encoders["left"]
print(search.best_params_, search.best_score_)
