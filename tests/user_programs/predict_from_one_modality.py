"""Learn from both halves of a digit, and read digits of which only the left half is there."""

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from mibsk import IBAligner, Modalities, ModalityEncoder

images, y = load_digits().images, load_digits().target
pairs = Modalities({"left": images[:, :, :4], "right": images[:, :, 4:]})
train, test, y_train, y_test = train_test_split(pairs, y, stratify=y, random_state=0)

aligner = IBAligner(encoders="mlp", max_epochs=4, random_state=0)
search = GridSearchCV(
    make_pipeline(ModalityEncoder(aligner, "left"), LogisticRegression(max_iter=500)),
    {"modalityencoder__aligner__beta": [0.1, 1000.0]},
    cv=2,
    error_score="raise",
).fit(train, y_train)
predicted = search.predict({"left": test["left"]})
accuracy = (predicted == y_test).mean()
print(search.best_params_, "accuracy", accuracy)
