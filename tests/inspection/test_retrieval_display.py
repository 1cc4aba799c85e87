import numpy as np
import pytest
import scipy.sparse as sp
import torch
from matplotlib.colors import to_hex
from torch.utils.data import Dataset

from mibsk import IBAligner
from mibsk.inspection import RetrievalDisplay
from mibsk.inspection.drawing.style import RIGHT, WRONG

N = 12
WORDS = [f"word {i}" for i in range(N)]
IMAGES = np.random.default_rng(1).random((N, 6, 5))


def embeddings(seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((N, 3))
    return Z, Z + rng.standard_normal((N, 3))


def draw(queries=WORDS, gallery=IMAGES, **options):
    options = {"n_queries": 2, "k": 3} | options  # fewer than the default, to save time
    return RetrievalDisplay.from_embeddings(
        *embeddings(), queries=queries, gallery=gallery, **options
    )


def brute_force(Z, W, row, k):
    scores = [z @ Z[row] / np.linalg.norm(z) / np.linalg.norm(Z[row]) for z in W]
    nearest = sorted(range(len(W)), key=lambda i: -scores[i])
    return nearest[:k], [scores[i] for i in nearest[:k]]


def test_nearest_stand_beside_each_query(check_saved, check_inside, style):
    display = draw(rows=[7, 2], k=4)
    assert display.axes_.shape == (2, 5)
    for i, row in enumerate([7, 2]):
        nearest, scores = brute_force(*embeddings(), row, 4)
        query, *neighbours = display.axes_[i]
        assert query.texts[0].get_text() == WORDS[row]
        for ax, item, score in zip(neighbours, nearest, scores, strict=True):
            np.testing.assert_array_equal(ax.images[0].get_array(), IMAGES[item])
            is_right = item == row
            assert ax.get_xlabel() == f"{'✓' if is_right else '✗'} {score:.2f}"
            frame = ax.spines["left"]
            assert to_hex(frame.get_edgecolor()) == (RIGHT if is_right else WRONG).lower()
            assert (frame.get_linestyle() == "-") == is_right
    ranks = [brute_force(*embeddings(), row, N)[0].index(row) + 1 for row in (7, 2)]
    assert [ax.get_xlabel() for ax in display.axes_[:, 0]] == [f"partner #{rank}" for rank in ranks]
    assert [ax.get_title() for ax in display.axes_[0]] == ["query", "1", "2", "3", "4"]
    check_saved(display)
    check_inside(display)


def test_with_labels_the_class_is_right():
    labels = np.array(["cat", "dog"])[np.arange(N) % 2]
    display = draw(labels=labels, rows=[3])
    nearest, _ = brute_force(*embeddings(), 3, 3)
    assert display.nearest.is_right[0].tolist() == [i % 2 == 1 for i in nearest]
    assert display.axes_[0, 0].get_xlabel() == "dog"
    assert [ax.get_xlabel().split(" · ")[1] for ax in display.axes_[0, 1:]] == [
        labels[i] for i in nearest
    ]
    assert display.figure_.get_supxlabel() == "✓ solid: of the query's class   ✗ dashed: of another"


def test_sides_of_unequal_length_have_labels_of_their_own():
    Z, W = embeddings()
    display = RetrievalDisplay.from_embeddings(
        Z[:4],
        W,
        queries=WORDS[:4],
        gallery=IMAGES,
        labels=(["a", "b", "c", "d"], ["a"] * N),
        rows=[0, 1],
        k=2,
    )
    assert display.nearest.is_right.tolist() == [[True] * 2, [False] * 2]


def test_queries_are_chosen_at_random_but_the_same_each_time():
    first = draw(n_queries=3).nearest.queries
    assert len(first) == 3
    np.testing.assert_array_equal(first, draw(n_queries=3).nearest.queries)
    assert not np.array_equal(first, draw(n_queries=3, random_state=1).nearest.queries)
    assert len(draw(n_queries=100, k=1).nearest.queries) == N


def test_five_queries_with_five_neighbours_are_drawn_by_default():
    display = RetrievalDisplay.from_embeddings(*embeddings(), queries=WORDS, gallery=WORDS)
    assert display.axes_.shape == (5, 6)


WAVES = np.sin(np.linspace(0, 9, 50) * np.arange(1, N + 1)[:, None])
LINES = ["image", "image", "image", "line", "text", "text", "image", "line"]


@pytest.mark.parametrize(
    ("items", "artist", "kind"),
    [
        (IMAGES, "images", None),
        ((255 * IMAGES).astype(np.uint8), "images", None),
        (np.random.default_rng(0).random((N, 3, 6, 5)), "images", None),
        (np.random.default_rng(0).standard_normal((N, 6, 5, 3)), "images", None),
        (np.zeros((N, 1, 6, 5), dtype=np.uint8), "images", None),
        (np.full((N, 4, 4), np.nan), "images", None),
        (torch.from_numpy(IMAGES), "images", None),
        (IMAGES > 0.5, "images", None),
        (list(IMAGES), "images", None),
        (IMAGES, "images", "spectrogram"),
        (WAVES, "lines", None),
        ([wave[: 20 + i] for i, wave in enumerate(WAVES)], "lines", None),
        (sp.csr_array(WAVES), "lines", None),
        (WORDS, "texts", None),
        (np.array(WORDS), "texts", None),
        (np.arange(N), "texts", None),
        (WAVES, "texts", "text"),
    ],
)
def test_kinds_are_inferred_from_items(items, artist, kind, check_inside):
    display = draw(queries=items, gallery=items, kinds=(kind, kind), n_queries=1, k=2)
    for ax in display.axes_.flat:
        assert len(getattr(ax, artist)) == 1
        assert not ax.get_xticks().size
    check_inside(display)


def test_items_share_one_scale():
    display = draw(gallery=IMAGES * np.arange(1, N + 1)[:, None, None], n_queries=2)
    assert len({ax.images[0].get_clim() for ax in display.axes_[:, 1:].flat}) == 1
    waves = draw(gallery=WAVES * np.arange(1, N + 1)[:, None], n_queries=2)
    assert len({ax.get_ylim() for ax in waves.axes_[:, 1:].flat}) == 1


@pytest.mark.parametrize(("n_queries", "k"), [(1, 1), (1, 10), (4, 2)])
@pytest.mark.parametrize("labelled", [False, True])
def test_no_text_is_cut_off_or_overlaps(n_queries, k, labelled, check_inside):
    text = [f"{i}: a text that is far too long for a small frame, {'so ' * 40}" for i in range(N)]
    labels = [f"class with a long name {i % 3}" for i in range(N)] if labelled else None
    names = ("queries with a long name", "a gallery with a long name")
    display = draw(text, text, n_queries=n_queries, k=k, labels=labels, names=names)
    check_inside(display)


def test_from_estimator_is_from_its_embeddings(aligner, bunch):
    few = {"n_queries": 2, "k": 2}
    display = RetrievalDisplay.from_estimator(aligner, bunch.data, labels=bunch.digit, **few)
    embedded = aligner.embed(bunch.data)
    expected = RetrievalDisplay.from_embeddings(
        embedded["sound"],
        embedded["image"],
        queries=bunch.data["sound"],
        gallery=bunch.data["image"],
        labels=bunch.digit,
        **few,
    )
    np.testing.assert_array_equal(display.nearest.gallery, expected.nearest.gallery)
    np.testing.assert_array_equal(display.queries, expected.queries)
    assert display.names == ("sound", "image")
    turned = RetrievalDisplay.from_estimator(
        aligner,
        bunch.data,
        query="image",
        items={"sound": [f"sound {i}" for i in range(60)]},
        names={"image": "picture"},
        kinds={"image": "text"},
        **few,
    )
    assert turned.names == ("picture", "sound")
    assert turned.gallery[0][0].startswith("sound ")


def test_from_pipelines_and_class_pairs(of_table, class_pairs):
    pipeline, table = of_table
    display = RetrievalDisplay.from_estimator(pipeline, table, n_queries=2, k=2)
    assert display.axes_.shape == (2, 3)
    pairs, aligner = class_pairs
    display = RetrievalDisplay.from_estimator(aligner, pairs, rows=[4])
    nearest = display.nearest.gallery[0]
    assert len(set(nearest)) == len(nearest)
    np.testing.assert_array_equal(display.gallery[0], pairs["image"][nearest])
    first, second = (pairs.class_labels[name] for name in pairs)
    np.testing.assert_array_equal(display.nearest.is_right[0], second[nearest] == first[4])


class Rows(Dataset):
    def __init__(self, data):
        self.data = {name: Z.astype(np.float32) for name, Z in data.items()}

    def __len__(self):
        return 60

    def __getitem__(self, i):
        return {name: Z[i] for name, Z in self.data.items()}


def test_a_dataset_needs_items(aligner, bunch):
    with pytest.raises(ValueError, match=r"items lacks \['sound', 'image'\], .* from Rows"):
        RetrievalDisplay.from_estimator(aligner, Rows(bunch.data))
    display = RetrievalDisplay.from_estimator(
        aligner, Rows(bunch.data), items=bunch.data, n_queries=1, k=1
    )
    np.testing.assert_array_equal(
        display.queries[0], bunch.data["sound"][display.nearest.queries[0]]
    )


def test_of_three_modalities_two_are_chosen(bunch):
    data = bunch.data | {"text": bunch.data["sound"][:, :2]}
    params = {"n_components": 4, "max_epochs": 1, "batch_size": 20, "random_state": 0}
    aligner = IBAligner(**params).fit(data)
    display = RetrievalDisplay.from_estimator(aligner, data, query="text", gallery="sound", k=1)
    assert display.names == ("text", "sound")
    with pytest.raises(ValueError, match=r"must both be chosen .* query='text' and gallery=None"):
        RetrievalDisplay.from_estimator(aligner, data, query="text")
    with pytest.raises(ValueError, match="two modalities are drawn, got 3"):
        RetrievalDisplay.from_estimator(aligner, data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 13}, r"k must be in 1..12"),
        ({"k": 0}, r"k must be in 1..12"),
        ({"n_queries": 0}, "n_queries must be an integer >= 1"),
        ({"rows": [12]}, r"rows must be in 0..11, got \[12\]"),
        ({"queries": WORDS[:3]}, "queries must have one item per row .* got 3 for 12 rows"),
        ({"labels": [1, 2]}, "labels of X must have one label per row, got 2 for 12"),
        ({"kinds": ("picture", None)}, r"kind of queries must be one of .*got 'picture'"),
        ({"kinds": (None, "waveform")}, r"gallery drawn as waveform must be .* shape \(6, 5\)"),
        ({"gallery": np.ones((N, 5, 6, 7))}, "1, 3 or 4 channels"),
        ({"gallery": np.ones((N, 2, 3, 4, 5))}, r"images, waveforms or text, got one of shape"),
    ],
)
def test_bad_values(options, message):
    with pytest.raises(ValueError, match=message):
        draw(**options)


def test_bad_embeddings_and_types():
    Z, W = embeddings()
    items = {"queries": WORDS, "gallery": IMAGES}
    with pytest.raises(ValueError, match="partner of row i of Y, got shapes"):
        RetrievalDisplay.from_embeddings(Z[:5], W, queries=WORDS[:5], gallery=IMAGES)
    with pytest.raises(ValueError, match="must lie in one space"):
        RetrievalDisplay.from_embeddings(Z[:, :2], W, **items)
    with pytest.raises(TypeError, match="rows must be a list of row numbers"):
        draw(rows=[0.5])
    with pytest.raises(TypeError, match=r"queries must be an array or a list .* got str"):
        draw(queries="word")
    with pytest.raises(TypeError, match="k must be an integer"):
        draw(k=2.0)
