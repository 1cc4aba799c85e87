"""Laws and hand values of the schedules."""

import math
import pickle
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from mibsk import IBAligner
from mibsk.schedules import Cosine, Exponential, Learned, Linear, SufficiencyBudget, WarmUp

VALUE = st.floats(1e-6, 1e6)
PROGRESS = st.floats(0, 1)
BETWEEN = st.sampled_from([Linear, Cosine, Exponential])


@given(BETWEEN, VALUE, VALUE)
def test_a_schedule_begins_and_ends_where_it_says(kind, start, stop):
    schedule = kind(start, stop)
    assert schedule(0.0) == pytest.approx(start, rel=1e-12)
    assert schedule(1.0) == pytest.approx(stop, rel=1e-12)


@given(BETWEEN, VALUE, VALUE, PROGRESS, PROGRESS)
def test_a_schedule_goes_one_way_between_its_ends(kind, start, stop, early, late):
    early, late = min(early, late), max(early, late)
    schedule = kind(start, stop)
    values = [schedule(t) for t in (0.0, early, late, 1.0)]
    slack = 1e-9 * max(start, stop)
    if start > stop:
        values.reverse()
    assert all(b >= a - slack for a, b in pairwise(values))
    assert min(values) >= schedule.lowest - slack


@given(BETWEEN, VALUE, VALUE, PROGRESS)
def test_a_schedule_turned_round_runs_backwards(kind, start, stop, progress):
    there, back = kind(start, stop)(progress), kind(stop, start)(1 - progress)
    assert there == pytest.approx(back, rel=1e-6, abs=1e-9 * max(start, stop))


@given(VALUE, st.floats(0.01, 0.99), VALUE, PROGRESS)
def test_a_warm_up_rises_and_stays(value, share, start, progress):
    schedule = WarmUp(value, share=share, start=start)
    if progress >= share:
        assert schedule(progress) == value
    else:
        expected = start + (value - start) * progress / share
        assert schedule(progress) == pytest.approx(expected, rel=1e-6, abs=1e-6 * max(value, start))
    assert schedule.lowest == min(value, start)


def test_values_by_hand():
    assert Linear(1.0, 3.0)(0.25) == 1.5
    assert Cosine(1.0, 0.0)(1 / 3) == pytest.approx(0.75)
    assert Exponential(1.0, 16.0)(0.25) == pytest.approx(2.0)
    assert WarmUp(4.0)(0.125) == 2.0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Linear(-1.0, 1.0), ValueError, "start must be a finite number >= 0"),
        (lambda: Linear(0.0, math.nan), ValueError, "stop must be"),
        (lambda: Cosine("1", 0.0), TypeError, "start must be a finite number"),
        (lambda: Exponential(0.0, 1.0), ValueError, "start must be a finite number > 0"),
        (lambda: WarmUp(1.0, share=0.0), ValueError, "share must be"),
        (lambda: WarmUp(1.0, share=1.0), ValueError, "share must be"),
        (lambda: Learned(0.001), ValueError, "expected low <= start <= high"),
        (lambda: Learned(low=0.0), ValueError, "low must be"),
        (lambda: SufficiencyBudget(0.0), ValueError, "budget must be"),
        (lambda: SufficiencyBudget(1.0), ValueError, "budget must be"),
        (lambda: SufficiencyBudget(monitor="bond"), ValueError, "Did you mean 'bound'"),
        (lambda: SufficiencyBudget(share=1.0), ValueError, "share must be"),
        (lambda: SufficiencyBudget(high=math.inf), ValueError, "high must be"),
    ],
)
def test_invalid_values_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    "value",
    [Linear(0, 1), Cosine(0, 1), Exponential(1, 2), WarmUp(1), Learned(), SufficiencyBudget()],
    ids=lambda value: type(value).__name__,
)
def test_a_schedule_is_a_plain_value(value):
    """Equal to its copies, read from its text, unchangeable, cloned with its estimator."""
    assert pickle.loads(pickle.dumps(value)) == value
    assert eval(repr(value)) == value
    with pytest.raises(AttributeError):
        value.start = 3.0
    assert clone(IBAligner(beta=value)).beta == value
