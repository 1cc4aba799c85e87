"""Two tables of the same patients in different orders: align them by name, embed, join by name."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from mibsk import CanonicalBottleneck, Modalities
from mibsk.metrics import leakage

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X.index = y.index = [f"patient {i}" for i in X.index]
typical = X.filter(like="mean")
extreme = X.filter(like="worst").sample(frac=1, random_state=0)
try:
    CanonicalBottleneck().fit({"typical": typical, "extreme": extreme})
except ValueError as error:
    message = str(error)

pairs = Modalities({"typical": typical, "extreme": extreme.loc[typical.index]})
model = CanonicalBottleneck(fusion="mean").set_output(transform="pandas")
embedded = model.fit(pairs[::2]).transform(pairs)
train, test = embedded.index[::2], embedded.index[1::2]
diagnoses = y.sample(frac=1, random_state=1)  # in an order of its own
classifier = LogisticRegression().fit(embedded.loc[train], diagnoses.loc[train])
accuracy = classifier.score(embedded.loc[test], diagnoses.loc[test])
read = leakage(embedded, diagnoses.loc[embedded.index])
print(message, accuracy, read)
