"""Patients of whom some lack a test: choose beta, predict for all, fill in the missing tests."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from mibsk import IBAligner, Modalities

images, y = load_digits().images, load_digits().target
left, right = images[:, :, :4].copy(), images[:, :, 4:].copy()
left[::4], right[1::4] = np.nan, np.nan
pairs = Modalities({"left": left, "right": right})
train, test, y_train, y_test = train_test_split(pairs, y, stratify=y, random_state=0)

aligner = IBAligner(encoders="mlp", fusion="mean", max_epochs=4, random_state=0)
search = GridSearchCV(
    make_pipeline(aligner, LogisticRegression(max_iter=500)),
    {"ibaligner__beta": [0.1, 1000.0]},
    cv=2,
    error_score="raise",
).fit(train, y_train)
accuracy = (search.predict(test) == y_test).mean()
filled = search.best_estimator_[0].impute(test, "right", reference=train)
print(search.best_params_, "accuracy", accuracy, filled.values.shape)
