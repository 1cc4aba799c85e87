"""Split two groups of columns into what they share and what is private, and predict one group."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from mibsk import CanonicalBottleneck, Modalities

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
pairs = Modalities({kind: X.filter(regex=f"^{kind}").to_numpy() for kind in ("mean", "worst")})
train, test = train_test_split(pairs, random_state=0)
bottleneck = CanonicalBottleneck().fit(train)
print(bottleneck.correlations_.round(2))
print("information", bottleneck.information_, "nats")
parts = bottleneck.split(test)["mean"]
predicted = bottleneck.predict({"mean": test["mean"]})
search = GridSearchCV(CanonicalBottleneck(), {"beta": [0.1, 0.5], "n_components": [3, 10]}, cv=3)
search.fit(train)
modalities = {kind: [c for c in X if c.startswith(kind)] for kind in ("mean", "worst")}
model = make_pipeline(CanonicalBottleneck(modalities=modalities), LogisticRegression(max_iter=1000))
accuracy = cross_val_score(model, X, y).mean()
print("accuracy", accuracy)
