"""Find the image that a sentence describes, among images that were not trained on."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from mibsk import IBAligner, Modalities

digits = load_digits()
words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
pages = Modalities(
    {
        "text": [f"page {i}: the digit {words[y]}, by hand" for i, y in enumerate(digits.target)],
        "image": digits.images,
    }
)
train, test, _, y_test = train_test_split(
    pages, digits.target, test_size=0.25, stratify=digits.target, random_state=0
)
aligner = IBAligner(n_components=16, max_epochs=5, random_state=0).fit(train)

queries = aligner.embed({"text": [f"the digit {word}, by hand" for word in words]})["text"]
images = aligner.embed({"image": test["image"]})["image"]
found = np.argsort(-queries @ images.T, axis=1)[:, :5]
precision = np.mean(y_test[found] == np.arange(10)[:, None])
print("precision@5", precision)
