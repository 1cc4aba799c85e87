"""Replicates in several threads: in order, the same for each number, within the caller's limits."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from mibsk import metrics
from mibsk.metrics import Bootstrap
from mibsk.metrics.statistics import _threads, in_threads
from mibsk.metrics.together import estimates, permutation_tests

from .draws import draw_pair

BIG = _threads.LARGE


@pytest.fixture(params=[1, 2, 3])
def n_threads(request, monkeypatch):
    monkeypatch.setattr(_threads, "_n_threads", lambda: request.param)
    return request.param


def blas_threads():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_results_are_in_order(n_threads):
    seen = set()

    def square(i):
        seen.add(threading.get_ident())
        return i * i

    assert list(in_threads(square, range(50), BIG)) == [i * i for i in range(50)]
    assert (threading.get_ident() in seen) == (n_threads == 1)


@pytest.mark.parametrize("size", [BIG - 1, _threads.ROOM])
def test_calls_that_are_too_small_or_too_large_stay_in_this_thread(monkeypatch, size):
    monkeypatch.setattr(_threads, "_n_threads", lambda: 4)
    here = threading.get_ident()
    assert set(in_threads(lambda _: threading.get_ident(), range(9), size)) == {here}


def test_threads_are_those_of_blas():
    with threadpool_limits(1, user_api="blas"):
        assert _threads._n_threads() == 1
    with threadpool_limits(2, user_api="blas"):
        assert _threads._n_threads() == min(2, _threads._n_cores())


def test_blas_has_one_thread_meanwhile(monkeypatch):
    monkeypatch.setattr(_threads, "_n_threads", lambda: 2)
    with threadpool_limits(2, user_api="blas"):
        for size in (0, BIG):
            assert list(in_threads(lambda _: blas_threads(), range(3), size)) == [{1}] * 3
            assert blas_threads() == {2}


def test_an_error_is_that_of_its_call(n_threads):
    calls = in_threads(lambda i: 1 / (i - 2), range(100), BIG)
    assert [next(calls), next(calls)] == [-0.5, -1]
    with pytest.raises(ZeroDivisionError):
        next(calls)


def test_settings_of_the_caller_apply(n_threads):
    with np.errstate(divide="ignore"):
        assert list(in_threads(lambda one: one / np.zeros(1), np.ones((3, 1)), BIG)) == [np.inf] * 3


CALLS = {
    "pwcca": (metrics.pwcca, {}),
    "procrustes": (metrics.procrustes, {}),
    "consistency": (metrics.consistency, {}),
    "svcca": (metrics.svcca, {"n_components": 2}),
    "information": (metrics.gaussian_mutual_information, {}),
}


def test_intervals_and_tests_do_not_depend_on_the_number_of_threads(monkeypatch):
    X, Y = draw_pair(0, n=120)
    ci = Bootstrap(n_resamples=12)

    def measured(n_threads):
        monkeypatch.setattr(_threads, "_n_threads", lambda: n_threads)
        monkeypatch.setattr(_threads, "LARGE", 0)
        together = estimates(CALLS, X, Y, dict.fromkeys(CALLS, ci))
        tests = permutation_tests(CALLS, X, Y, n_permutations=9, random_state=0)
        alone = [metric(X, Y, ci=ci) for metric in (metrics.pwcca, metrics.cknna)]
        values = [found.replicates for found in [*together.values(), *alone]]
        return [*values, *(tests[name].null for name in CALLS)]

    one = measured(1)
    assert len(one) == 2 * len(CALLS) + 2
    for n_threads in (2, 4):
        for ours, theirs in zip(measured(n_threads), one, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_metric_without_a_value_in_some_draw_is_left_out(n_threads, monkeypatch):
    monkeypatch.setattr(_threads, "LARGE", 0)
    X = np.zeros((600, 3))
    X[:8] = np.random.default_rng(0).standard_normal((8, 3))  # few draws have enough of these
    calls = {"cka": (metrics.cka, {}), "unbiased": (metrics.cka, {"unbiased": True})}
    ci = dict.fromkeys(calls, Bootstrap(n_resamples=30, max_rows=10))
    assert not estimates(calls, X, X, ci)


def test_few_rows():
    X, Y = draw_pair(0, n=8, d_x=2, d_y=2)
    found = permutation_tests({"cka": (metrics.cka, {})}, X, Y, n_permutations=3, random_state=0)
    assert len(found["cka"].null) == 3
