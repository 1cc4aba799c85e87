"""Sentences about two objects and their relation: a grammar, and its parser."""

import re
from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

SIZES = {
    "small": ("small", "little", "tiny"),
    "large": ("large", "big", "huge"),
}
COLORS = {
    "red": ("red", "crimson"),
    "orange": ("orange", "tangerine"),
    "yellow": ("yellow", "golden"),
    "green": ("green", "emerald"),
    "blue": ("blue", "azure"),
    "purple": ("purple", "violet"),
    "pink": ("pink", "rosy"),
    "brown": ("brown", "chocolate"),
}
SHAPES = {
    "circle": ("circle", "disc"),
    "square": ("square", "box"),
    "triangle": ("triangle", "wedge"),
    "star": ("star", "pentagram"),
    "heart": ("heart", "valentine"),
    "cross": ("cross", "plus"),
    "ring": ("ring", "hoop"),
    "moon": ("moon", "crescent"),
}
# relation of the first object to the second one, and the same seen from the second one
RELATIONS = {
    "left of": (
        ("left of", "to the left of", "on the left of"),
        ("right of", "to the right of", "on the right of"),
    ),
    "above": (
        ("above", "over", "higher than"),
        ("below", "under", "lower than"),
    ),
    "in front of": (
        ("in front of", "covering", "hiding part of"),
        ("behind", "covered by", "partly hidden by"),
    ),
}
TEMPLATES = (
    "{a} {a_thing} {relation} {b} {b_thing}",
    "there is {a} {a_thing} {relation} {b} {b_thing}",
    "{relation} {b} {b_thing} there is {a} {a_thing}",
    "{a} {a_thing} and {b} {b_thing}, the first is {relation} the second",
    "the {a_thing} is {relation} the {b_thing}",
)
PHRASES = ("{size} {color} {shape}", "{size} {shape} in {color}")

# number of choices that a sentence makes without changing what it says
CHOICES = {
    "template": len(TEMPLATES),
    "order": 2,  # 1: the second object is the subject
    "relation_word": 3,
    "phrase_1": len(PHRASES),
    "size_word_1": 3,
    "color_word_1": 2,
    "shape_word_1": 2,
    "phrase_2": len(PHRASES),
    "size_word_2": 3,
    "color_word_2": 2,
    "shape_word_2": 2,
}


class Thing(NamedTuple):
    """An object of a scene."""

    size: str
    color: str
    shape: str


class Scene(NamedTuple):
    """Two objects, and the relation of the first to the second one.

    The relation is ``"left of"``, ``"above"`` or ``"in front of"``: of "right of", "below" and
    "behind" the objects are exchanged, so that two sentences which say the same are equal scenes.
    """

    first: Thing
    relation: str
    second: Thing


def scene_of_caption(text: str) -> Scene | None:
    """Return what a caption of :func:`make_scenes` says.

    A caption may name the objects in either order and by any of the synonyms; upper case and
    punctuation do not matter. Whether a generated caption describes a picture exactly can
    therefore be computed: it must parse to the scene of the picture.

    Parameters
    ----------
    text : str
        A caption.

    Returns
    -------
    Scene or None
        The two objects and their relation; None if the text is not a sentence of the grammar.

    Raises
    ------
    TypeError
        If `text` is not a string.

    Examples
    --------
    >>> from mibsk.datasets import scene_of_caption
    >>> one = scene_of_caption("A small red box to the right of a big hoop in azure.")
    >>> one.relation, one.first, one.second.color
    ('left of', Thing(size='large', color='blue', shape='ring'), 'red')
    >>> one == scene_of_caption("the large blue ring is left of the tiny square in crimson")
    True
    >>> scene_of_caption("a small red box") is None
    True
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, got {text!r} of type {type(text).__name__}.")
    words = " ".join(_NO_WORD.sub(" ", text.lower()).split())
    for sentence in _SENTENCES:
        if match := sentence.fullmatch(words):
            found = match.groupdict()
            relation, swapped = _RELATION_OF[found["relation"]]
            a, b = _thing(found, "a"), _thing(found, "b")
            return Scene(b, relation, a) if swapped else Scene(a, relation, b)
    return None


def caption(scene: Scene, choices: dict[str, int]) -> str:
    """Return the sentence about a scene that makes the given choices, see ``CHOICES``."""
    things = [
        PHRASES[choices[f"phrase_{i}"]].format(
            size=SIZES[thing.size][choices[f"size_word_{i}"]],
            color=COLORS[thing.color][choices[f"color_word_{i}"]],
            shape=SHAPES[thing.shape][choices[f"shape_word_{i}"]],
        )
        for i, thing in ((1, scene.first), (2, scene.second))
    ]
    order = choices["order"]
    a, b = things[::-1] if order else things
    return TEMPLATES[choices["template"]].format(
        a=_article(a),
        a_thing=a,
        relation=RELATIONS[scene.relation][order][choices["relation_word"]],
        b=_article(b),
        b_thing=b,
    )


def _article(phrase: str) -> str:
    return "an" if phrase[0] in "aeiou" else "a"


def _thing(found: dict[str, str], which: str) -> Thing:
    """Return the object that a match calls `which`, in either order of colour and shape."""
    color = found[f"{which}_color_0"] or found[f"{which}_color_1"]
    shape = found[f"{which}_shape_0"] or found[f"{which}_shape_1"]
    return Thing(_MEANING[found[f"{which}_size"]], _MEANING[color], _MEANING[shape])


def _phrase_pattern(which: str) -> str:
    """Return a regular expression of the phrases about one object."""
    size, colors, shapes = _any_of(SIZES), _any_of(COLORS), _any_of(SHAPES)
    return (
        f"(?P<{which}_size>{size}) (?:"
        f"(?P<{which}_color_0>{colors}) (?P<{which}_shape_0>{shapes})|"
        f"(?P<{which}_shape_1>{shapes}) in (?P<{which}_color_1>{colors}))"
    )


def _any_of(words: Mapping[str, tuple[str, ...]]) -> str:
    return "|".join(chain.from_iterable(words.values()))


_NO_WORD = re.compile(r"[^\w\s]+")
_MEANING = {
    word: meaning
    for words in (SIZES, COLORS, SHAPES)
    for meaning, synonyms in words.items()
    for word in synonyms
}
_RELATION_OF = {
    word: (relation, swapped)
    for relation, both in RELATIONS.items()
    for swapped, synonyms in enumerate(both)
    for word in synonyms
}
_SENTENCES = [
    re.compile(
        template.replace(",", "").format(
            a="an?",
            a_thing=_phrase_pattern("a"),
            relation=f"(?P<relation>{'|'.join(_RELATION_OF)})",
            b="an?",
            b_thing=_phrase_pattern("b"),
        )
    )
    for template in TEMPLATES
]
