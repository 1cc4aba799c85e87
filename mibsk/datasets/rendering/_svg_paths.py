"""Filled paths of SVG files: their curves, and the share of each pixel that is inside."""

import re
from collections.abc import Iterator, Sequence
from math import ceil, copysign, pi, radians, sqrt, tan

import numpy as np
from numpy.typing import NDArray

PARTS_OF_CURVES = 16  # straight lines in place of a curve, which differ by 0.1% in area
PATHS_AT_ONCE = 256  # which bounds the memory

LETTERS = "MmLlHhVvCcSsQqTtAaZz"
N_NUMBERS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
COMMAND = re.compile(f"([{LETTERS}])([^{LETTERS}]*)")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
# the two flags of an arc, at positions 3 and 4, may be written without a space
_NUMBER = f"({NUMBER.pattern})"
ARC = re.compile(r"[\s,]*".join([*[_NUMBER] * 3, "([01])", "([01])", *[_NUMBER] * 2]))

Point = complex  # x + iy
Curve = tuple[Point, Point, Point, Point]  # cubic: start, two control points, end


def render_paths(paths: Sequence[str], *, view: float, image_size: int) -> NDArray[np.uint8]:
    """Draw the inside of one path per image.

    The value of a pixel is the share of its area that is inside, computed exactly for polygons that
    replace the curves. Parts of a path that run in opposite directions leave holes; where parts
    overlap that run in the same one, the path is filled.

    Parameters
    ----------
    paths : sequence of str (n,)
        Attributes ``d`` of SVG paths.
    view : float
        Side of the square that the images show, from the origin.
    image_size : int
        Side of the images in pixels.

    Returns
    -------
    images : ndarray of uint8 (n, image_size, image_size)
        255 inside, 0 outside.

    Raises
    ------
    ValueError
        If a path is not valid.
    """
    images = np.empty((len(paths), image_size, image_size), dtype=np.uint8)
    for start in range(0, len(paths), PATHS_AT_ONCE):
        curves = [list(path_curves(path)) for path in paths[start : start + PATHS_AT_ONCE]]
        points = np.array([curve for each in curves for curve in each], dtype=np.complex128)
        of_image = np.arange(len(curves)).repeat([len(each) for each in curves])
        lines, of_image = _as_lines(points.reshape(-1, 4) * (image_size / view), of_image)
        coverage = _coverage(lines, of_image, len(curves), image_size)
        images[start : start + PATHS_AT_ONCE] = np.rint(255 * coverage)
    return images


def path_curves(path: str) -> Iterator[Curve]:
    """Yield the curves of a path, lines and arcs as cubic curves; open parts are closed.

    Raises
    ------
    ValueError
        If the path is not valid.
    """
    here = start = 0j
    control, before = 0j, ""  # of the command before, which smooth curves continue
    for letter, numbers in _commands(path):
        kind, origin = letter.upper(), here if letter.islower() else 0j
        if kind in "MZ":
            yield _line(here, start)
            start = origin + complex(*numbers) if kind == "M" else start
            here = start
        elif kind in "HV":
            across = kind == "H"
            other = here.imag if across else here.real
            end = complex(numbers[0], other) if across else complex(other, numbers[0])
            end += (origin.real if across else 1j * origin.imag) if letter.islower() else 0
            yield _line(here, end)
            here = end
        elif kind == "A":
            end = origin + complex(*numbers[5:])
            yield from _arc(here, end, complex(*numbers[:2]), numbers[2], *numbers[3:5])
            here = end
        else:
            points = [
                origin + complex(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)
            ]
            if kind in "ST":
                smooth = before in ("CS" if kind == "S" else "QT")
                points.insert(0, 2 * here - control if smooth else here)
            *controls, end = points
            if kind in "QT":
                control = controls[0]
                controls = [point + 2 / 3 * (control - point) for point in (here, end)]
            elif kind == "L":
                controls = list(_line(here, end)[1:3])
            else:
                control = controls[1]
            yield here, controls[0], controls[1], end
            here = end
        before = kind
    yield _line(here, start)


def _commands(path: str) -> Iterator[tuple[str, list[float]]]:
    """Yield each command with its numbers; one letter may precede the numbers of several."""
    if COMMAND.sub("", path).strip() or path.strip()[:1] not in ("M", "m"):
        raise ValueError(f"a path must begin with the command M, got {path[:40]!r}.")
    for letter, text in COMMAND.findall(path):
        size = N_NUMBERS[letter.upper()]
        if letter in "Aa":
            numbers = [float(number) for arc in ARC.findall(text) for number in arc]
            rest = ARC.sub("", text)
        else:
            numbers = [float(number) for number in NUMBER.findall(text)]
            rest = NUMBER.sub("", text)
        wrong = len(numbers) % size or not numbers if size else bool(numbers)
        if wrong or rest.replace(",", " ").strip():
            raise ValueError(
                f"the command {letter} of a path takes {size} numbers, got {text.strip()!r}."
            )
        for i in range(0, max(len(numbers), 1), size or 1):
            yield letter, numbers[i : i + size]
            letter = {"M": "L", "m": "l"}.get(letter, letter)


def _line(start: Point, end: Point) -> Curve:
    return start, start + (end - start) / 3, end - (end - start) / 3, end


def _arc(
    start: Point, end: Point, radii: Point, rotation: float, large: float, sweep: float
) -> Iterator[Curve]:
    """Yield an elliptic arc as cubic curves of at most a quarter, see SVG 1.1, appendix F.6."""
    rx, ry = abs(radii.real), abs(radii.imag)
    if start == end:
        return
    if not rx or not ry:
        yield _line(start, end)
        return
    turn = complex(np.exp(1j * radians(rotation)))

    def to_circle(point: Point) -> Point:
        turned = point / turn
        return complex(turned.real / rx, turned.imag / ry)

    def from_circle(point: Point) -> Point:
        return turn * complex(rx * point.real, ry * point.imag)

    a, b = to_circle(start), to_circle(end)
    half = abs(b - a) / 2
    radius = max(half, 1.0)  # radii that are too small are enlarged
    side = copysign(1.0, 0.5 - (bool(large) == bool(sweep)))
    middle = (a + b) / 2 + side * 1j * (b - a) / (2 * half) * sqrt(max(radius**2 - half**2, 0.0))
    angle = float(np.angle((b - middle) / (a - middle)))
    if sweep and angle < 0:
        angle += 2 * pi
    elif not sweep and angle > 0:
        angle -= 2 * pi
    n = max(ceil(abs(angle) / (pi / 2) - 1e-9), 1)
    step = complex(np.exp(1j * angle / n))
    handle = 1j * 4 / 3 * tan(angle / n / 4)
    point = a - middle
    for i in range(n):
        after = point * step
        leave = from_circle(middle + point * (1 + handle))
        arrive = from_circle(middle + after * (1 - handle))
        first = start if i == 0 else from_circle(middle + point)
        last = end if i == n - 1 else from_circle(middle + after)
        yield first, leave, arrive, last
        point = after


def _as_lines(
    curves: NDArray[np.complex128], of_image: NDArray[np.intp]
) -> tuple[NDArray[np.complex128], NDArray[np.intp]]:
    """Return straight lines in place of curves (n, 4).

    Returns
    -------
    lines : ndarray of complex (2, n_lines)
        Starts and ends.
    of_image : ndarray of int (n_lines,)
        The image of each.
    """
    start, *controls, end = curves.T
    bend = sum(
        abs(point - line) for point, line in zip(controls, _line(start, end)[1:3], strict=True)
    )
    curved = bend > 1e-9
    t = np.linspace(0, 1, PARTS_OF_CURVES + 1)[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3])
    points = curves[curved] @ weights.T  # (n, PARTS_OF_CURVES + 1)
    parts = np.stack([points[:, :-1].reshape(-1), points[:, 1:].reshape(-1)])
    straight = np.stack([start, end])[:, ~curved]
    images = [of_image[~curved], of_image[curved].repeat(PARTS_OF_CURVES)]
    return np.concatenate([straight, parts], axis=1), np.concatenate(images)


def _coverage(
    lines: NDArray[np.complex128], of_image: NDArray[np.intp], n_images: int, side: int
) -> NDArray[np.floating]:
    """Return the share of each pixel inside the polygons (n_images, side, side).

    Each line adds to the pixels at its right the signed height by which it crosses their row. It is
    cut at the borders of pixels, so that each part lies in one pixel, of which it covers the share
    at its right.
    """
    start, end = lines
    change = end - start
    kept = change.imag != 0
    start, change, of_image = start[kept], change[kept], of_image[kept]
    cuts = [(np.arange(len(start)), np.zeros(len(start)))]
    for at, by in ((start.real, change.real), (start.imag, change.imag)):
        low, high = np.minimum(at, at + by), np.maximum(at, at + by)
        first = np.floor(low) + 1
        count = np.maximum(np.ceil(high) - first, 0).astype(np.intp)
        line = np.arange(len(at)).repeat(count)
        number = np.arange(len(line)) - (np.cumsum(count) - count).repeat(count)
        cuts.append((line, (first[line] + number - at[line]) / by[line]))
    line, t = (np.concatenate(each) for each in zip(*cuts, strict=True))
    order = np.lexsort([t, line])
    line, t = line[order], t[order]
    is_last = np.append(line[1:] != line[:-1], True)
    until = np.where(is_last, 1.0, np.append(t[1:], 1.0))
    height = (until - t) * change.imag[line]
    middle = start[line] + (t + until) / 2 * change[line]
    row = np.floor(middle.imag).astype(np.intp)
    x = np.clip(middle.real, 0, side)
    column = np.floor(x).astype(np.intp)
    shown = (row >= 0) & (row < side)
    flat = ((of_image[line] * side + row) * (side + 2) + column)[shown]
    here = (height * (column + 1 - x))[shown]
    size = n_images * side * (side + 2)
    total = np.bincount(flat, here, size)
    total += np.bincount(flat + 1, height[shown] - here, size)
    area = total.reshape(n_images, side, side + 2).cumsum(axis=2)[..., :side]
    return np.clip(np.abs(area), 0, 1)
