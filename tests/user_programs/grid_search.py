"""Search over beta, temperature and the dimension with a mapping of modalities."""

import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, KFold

from mibsk import IBAligner, Modalities

images = load_digits().images
pairs = Modalities({"left": images[:, :, :4], "right": images[:, :, 4:]})
search = GridSearchCV(
    IBAligner(encoders="mlp", max_epochs=2, random_state=0),
    {"beta": [0.0, 1.0], "temperature": ["learned", 0.1], "n_components": [2, 16]},
    cv=KFold(2, shuffle=True, random_state=0),
    error_score="raise",
).fit(pairs)
results = pd.DataFrame(search.cv_results_)
embedded = search.transform(pairs)
print(search.best_params_, search.best_score_)
