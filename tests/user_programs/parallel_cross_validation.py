"""Cross-validate in two processes, and find what one process finds."""

from sklearn.datasets import load_digits
from sklearn.model_selection import KFold, cross_validate

from mibsk import IBAligner, Modalities

images = load_digits().images
pairs = Modalities({"left": images[:, :, :4], "right": images[:, :, 4:]})
results = {
    n_jobs: cross_validate(
        IBAligner(max_epochs=2, random_state=0),
        pairs,
        cv=KFold(3, shuffle=True, random_state=0),
        n_jobs=n_jobs,
        return_estimator=True,
        return_train_score=True,
        error_score="raise",
    )
    for n_jobs in (1, 2)
}
embedded = {n: [fold.transform(pairs) for fold in results[n]["estimator"]] for n in results}
print("recall@1", results[2]["test_score"])
