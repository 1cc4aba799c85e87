"""ONNX graph of an encoder of text that takes strings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np

_N_COLUMNS = 2**15
_PAD = "pad"  # more than a character, so that it is none of a text
_SPACE, _SIGMA, _DOTTED_I = " ", "Σ", "İ"
_OTHER, _IGNORABLE, _CASED = 0, 1, 2
_LETTERS = (range(0xD800), range(0xE000, 0x20000), range(0xE0000, 0xE0200))  # have all with a case
OPSET = 20  # has StringConcat
_OPSETS = (("", OPSET), ("ai.onnx.ml", 3), ("com.microsoft", 1))


def takes_strings(model: Any) -> Any:
    """Return an encoder of hashed n-grams as a model that takes strings.

    The graph contains all steps of :meth:`mibsk.data.InputSpec.prepare` for text, with the lower
    case of this Python: characters, lower case, windows of 2 to 4 characters within words, their
    hashes, and the norm of the sums by column. Its operators ``Tokenizer`` and ``MurmurHash3`` are
    those of onnxruntime.

    Parameters
    ----------
    model : onnx.ModelProto
        An exported encoder of text, of inputs ``indices`` and ``values``.

    Returns
    -------
    onnx.ModelProto
        Input ``x`` (batch,) of strings, output ``z`` (batch, n_components).
    """
    import onnx

    helper = onnx.helper
    graph = _TextGraph(onnx)
    indices, values = graph.hashed_ngrams("x")
    graph.nodes += [
        helper.make_node("Identity", [indices], ["indices"]),
        helper.make_node("Identity", [values], ["values"]),
    ]
    together = helper.make_graph(
        [*graph.nodes, *model.graph.node],
        "encoder_of_text",
        [helper.make_tensor_value_info("x", onnx.TensorProto.STRING, ("batch",))],
        list(model.graph.output),
        [*graph.constants, *model.graph.initializer],
    )
    opsets = dict(_OPSETS) | {each.domain: each.version for each in model.opset_import}
    return helper.make_model(
        together,
        opset_imports=[helper.make_opsetid(*each) for each in opsets.items()],
        ir_version=model.ir_version,
        producer_name="mibsk",
        functions=list(model.functions),
    )


class _TextGraph:
    """Nodes and constants; methods append a part and return the name of its output."""

    def __init__(self, onnx: Any, prefix: str = "text") -> None:
        self.onnx = onnx
        self.prefix = prefix  # of names, of which each is unique, also among those of branches
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.known: dict[Any, str] = {}

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        output = f"{self.prefix}_{operator.lower()}_{len(self.nodes)}"
        made = self.onnx.helper.make_node(operator, inputs, [output], domain=domain, **attributes)
        self.nodes.append(made)
        return output

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        array = np.asarray(value, dtype)
        key = array.dtype.str, array.shape, array.tobytes() if dtype is not object else str(value)
        if key not in self.known:
            name = self.known[key] = f"{self.prefix}_constant_{len(self.constants)}"
            self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return self.known[key]

    def text(self, value: str) -> str:
        return self.constant(value, object)

    def slice(self, x: str, start: int, stop: int) -> str:
        """Return columns of x; `stop` counts from the end, 0 is the end."""
        end = stop or 2**62
        return self.node("Slice", x, *(self.constant([each]) for each in (start, end, 1)))

    def is_one_of(self, characters: str, wanted: Iterable[str]) -> str:
        """Return where characters are among some, as bool."""
        return self.node("Cast", self.classes(characters, dict.fromkeys(wanted, 1)), to=9)

    def classes(self, characters: str, known: dict[str, int]) -> str:
        return self.node(
            "LabelEncoder",
            characters,
            domain="ai.onnx.ml",
            keys_strings=list(known),
            values_int64s=list(known.values()),
            default_int64=_OTHER,
        )

    def hashed_ngrams(self, x: str) -> tuple[str, str]:
        """Return columns and values (n, L) of strings (n,)."""
        found = self.node(
            "Tokenizer",
            x,
            domain="com.microsoft",
            mark=0,
            mincharnum=1,
            pad_value=_PAD,
            tokenexp="(?s).",
        )
        lower = self.lower_case(found)
        blank = self.is_one_of(lower, [*_white_space(), _PAD])
        lower = self.node("Where", blank, self.text(_SPACE), lower)
        # a space before the text, and enough after it for the longest window
        first = self.node("Slice", self.node("Shape", lower), *map(self.constant, ([0], [1])))
        around = []
        for width in (1, 3):
            shape = self.node("Concat", first, self.constant([width]), axis=0)
            around.append(self.node("Expand", self.text(_SPACE), shape))
        lower = self.node("Concat", around[0], lower, around[1], axis=1)
        blank = self.node("Equal", lower, self.text(_SPACE))
        filled = self.node("Not", blank)

        pairs = self.node("StringConcat", self.slice(lower, 0, -1), self.slice(lower, 1, 0))
        triples = self.node("StringConcat", self.slice(pairs, 0, -1), self.slice(lower, 2, 0))
        fours = self.node("StringConcat", self.slice(triples, 0, -1), self.slice(lower, 3, 0))
        # no space within a window, and not a space alone
        is_pair = self.node("Or", self.slice(filled, 0, -1), self.slice(filled, 1, 0))
        is_triple = self.slice(filled, 1, -1)
        is_four = self.node("And", self.slice(filled, 1, -2), self.slice(filled, 2, -1))
        ngrams = self.node("Concat", pairs, triples, fours, axis=1)
        counted = self.node("Concat", is_pair, is_triple, is_four, axis=1)

        hashed = self.node("MurmurHash3", ngrams, domain="com.microsoft", positive=0, seed=0)
        hashed = self.node("Cast", hashed, to=7)
        columns = self.node("Mod", self.node("Abs", hashed), self.constant(_N_COLUMNS))
        negative = self.node("Less", hashed, self.constant(0))
        signs = self.node(
            "Where", negative, self.constant(-1, np.float32), self.constant(1, np.float32)
        )
        signs = self.node("Mul", signs, self.node("Cast", counted, to=1))
        return self.summed(columns, signs)

    def summed(self, columns: str, signs: str) -> tuple[str, str]:
        """Return each column (n, L) once, and the sums of its signs, in rows of unit norm.

        Columns are in ascending order, followed by column 0 of value 0.
        """
        order, columns = self.sorted(columns)
        running = self.node("GatherElements", signs, order, axis=1)
        running = self.node("CumSum", running, self.constant(1))
        same = self.node("Equal", self.slice(columns, 0, -1), self.slice(columns, 1, 0))
        last = self.node("Pad", self.node("Not", same), self.constant([0, 0, 0, 1]), self.true())
        # the last of each column, and the running sum there; after them, what is not counted
        order = self.first(last)
        last, columns, running = (
            self.node("GatherElements", each, order, axis=1) for each in (last, columns, running)
        )
        before = self.node("Pad", running, self.constant([0, 1, 0, -1]))
        sums = self.node("Cast", self.node("Sub", running, before), to=11)
        sums = self.node("Mul", sums, self.node("Cast", last, to=11))
        columns = self.node("Mul", columns, self.node("Cast", last, to=7))
        norm = self.node("Sqrt", self.node("ReduceSumSquare", sums, self.constant([1])))
        norm = self.node("Max", norm, self.constant(1, np.float64))  # of no n-grams at all
        return columns, self.node("Cast", self.node("Div", sums, norm), to=1)

    def true(self) -> str:
        return self.constant(True, np.bool_)

    def lower_case(self, characters: str) -> str:
        """Return characters (n, L) in lower case, of which there can be more."""
        found = self.node(
            "LabelEncoder",
            characters,
            domain="ai.onnx.ml",
            keys_strings=list(_lower_case()),
            values_strings=list(_lower_case().values()),
            default_string="",
        )
        unchanged = self.node("Equal", found, self.text(""))
        lower = self.node("Where", unchanged, characters, found)
        for character, replace in ((_SIGMA, self.final_sigma), (_DOTTED_I, self.dotted_i)):
            present = self.node("Equal", characters, self.text(character))
            number = self.node("ReduceSum", self.node("Cast", present, to=7), keepdims=0)
            any_ = self.node("Cast", number, to=9)
            lower = self.choose(any_, replace, characters, lower)
        return lower

    def choose(self, condition: str, replace: Any, characters: str, lower: str) -> str:
        """Return characters in lower case, replaced if a condition holds."""
        helper, number = self.onnx.helper, len(self.nodes)
        then, otherwise = (
            _TextGraph(self.onnx, f"{self.prefix}_{number}_{name}") for name in ("then", "else")
        )
        outputs = replace(then, characters, lower), otherwise.node("Identity", lower)
        branches = [
            helper.make_graph(
                each.nodes,
                each.prefix,
                [],
                [helper.make_tensor_value_info(output, 8, (None, None))],
                each.constants,
            )
            for each, output in zip((then, otherwise), outputs, strict=True)
        ]
        return self.node("If", condition, then_branch=branches[0], else_branch=branches[1])

    @staticmethod
    def final_sigma(graph: _TextGraph, characters: str, lower: str) -> str:
        """Replace a sigma after a letter with a case, and not before one, by the final sigma."""
        classes = graph.classes(characters, _marks())
        counted = graph.node("Not", graph.node("Equal", classes, graph.constant(_IGNORABLE)))
        rank = graph.node("CumSum", graph.node("Cast", counted, to=7), graph.constant(1))
        # the classes of those that are counted, between two others
        order = graph.first(counted)
        ends = [0, 1, 0, 2]
        classes = graph.node("GatherElements", classes, order, axis=1)
        beside = graph.node("Pad", classes, graph.constant(ends), graph.constant(_OTHER))
        cased = graph.node("Equal", beside, graph.constant(_CASED))
        cased = graph.node("Cast", cased, to=7)
        before, after = (
            graph.node("GatherElements", cased, graph.node("Add", rank, graph.constant(by)), axis=1)
            for by in (-1, 1)
        )
        final = graph.node("Greater", before, after)
        final = graph.node("And", final, graph.node("Equal", characters, graph.text(_SIGMA)))
        return graph.node("Where", final, graph.text("ς"), lower)

    @staticmethod
    def dotted_i(graph: _TextGraph, characters: str, lower: str) -> str:
        """Put the two characters that a dotted capital I becomes, in place of one."""
        here = graph.node("Equal", characters, graph.text(_DOTTED_I))
        letters = graph.node("Where", here, graph.text("i"), lower)
        dots = graph.node("Where", here, graph.text("\u0307"), graph.text(_PAD))
        last = graph.constant([2])
        pairs = graph.node(
            "Concat",
            graph.node("Unsqueeze", letters, last),
            graph.node("Unsqueeze", dots, last),
            axis=2,
        )
        row = graph.node("Reshape", pairs, graph.constant([0, -1]))
        present = graph.node("Not", graph.node("Equal", row, graph.text(_PAD)))
        return graph.node("GatherElements", row, graph.first(present), axis=1)

    def first(self, chosen: str) -> str:
        """Return the order (n, L) in which chosen columns come before the others."""
        length = self.node("Gather", self.node("Shape", chosen), self.constant(1))
        places = self.node("Range", self.constant(0), length, self.constant(1))
        later = self.node("Add", places, length)
        return self.sorted(self.node("Where", chosen, places, later))[0]

    def sorted(self, keys: str) -> tuple[str, str]:
        """Return the order of keys (n, L) in each row, and the keys in this order."""
        length = self.node("Slice", self.node("Shape", keys), *map(self.constant, ([1], [2])))
        names = [f"{self.prefix}_sorted_{len(self.nodes)}_{i}" for i in range(2)]
        self.nodes.append(
            self.onnx.helper.make_node("TopK", [keys, length], names, axis=1, largest=0, sorted=1)
        )
        return names[1], names[0]


@cache
def _lower_case() -> dict[str, str]:
    """Return all characters that another single one is the lower case of."""
    pairs = ((c, c.lower()) for c in _characters())
    return {c: lower for c, lower in pairs if lower != c and len(lower) == 1}


@cache
def _marks() -> dict[str, int]:
    """Return what characters are beside a sigma, as Python judges: with a case, or skipped."""
    characters = [c for c in _characters() if not c.isspace()]
    found = {}
    after = "\n".join(f"{c}Σ" for c in characters).lower().split("\n")
    between = "\n".join(f"AΣ{c}A" for c in characters).lower().split("\n")
    for c, one, other in zip(characters, after, between, strict=True):
        if one.endswith("ς"):
            found[c] = _CASED
        elif other[1] == "σ":
            found[c] = _IGNORABLE
    return found


def _white_space() -> Sequence[str]:
    return [c for c in map(chr, range(0x3001)) if c.isspace()]


def _characters() -> Iterable[str]:
    return (chr(c) for each in _LETTERS for c in each)
