"""Work that is done ahead: in order, bounded, and over when its user is."""

import threading
import time
from itertools import count

import pytest

from tintype.threads import ahead, apart, available_threads


def test_no_more_processors_than_there_are():
    import os

    assert 1 <= available_threads() <= os.cpu_count()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads):
    def work(number):
        time.sleep(0.002 * (number % 3))
        return number**2

    assert list(ahead(work, range(30), threads)) == [number**2 for number in range(30)]
    assert list(ahead(work, [], threads)) == []


def test_one_thread_is_the_callers_own_and_works_when_it_is_asked():
    taken = []

    def items():
        for number in count():
            taken.append(number)
            yield number

    results = ahead(lambda number: threading.get_ident(), items(), 1)
    assert next(results) == next(results) == threading.get_ident()
    assert taken == [0, 1]
    (other,) = ahead(lambda number: threading.get_ident(), [0], 1, beside=True)
    assert other != threading.get_ident()


@pytest.mark.parametrize(("threads", "waiting"), [(1, 0), (1, 3), (2, 1), (3, 4)])
def test_never_more_at_once_than_was_asked_for(threads, waiting):
    lock, working, most, given = threading.Lock(), 0, 0, 0

    def items():
        nonlocal given
        for number in range(40):
            given += 1
            yield number

    def work(number):
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        time.sleep(0.001)
        with lock:
            working -= 1
        return number

    for number in ahead(work, items(), threads, waiting=waiting, beside=True):
        assert given - number <= threads + waiting
    assert most == threads


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_comes_in_its_place_and_nothing_is_begun_after_it(threads):
    begun = []

    def work(number):
        begun.append(number)
        if number == 5:
            raise KeyError(number)
        time.sleep(0.001)
        return number

    results = ahead(work, range(100), threads, waiting=2)
    assert [next(results) for _ in range(5)] == list(range(5))
    with pytest.raises(KeyError):
        next(results)
    after = len(begun)
    assert after <= 5 + threads + 2
    time.sleep(0.02)
    assert len(begun) == after
    assert list(results) == []


def broken():
    yield from range(3)
    raise OSError("the disk is gone")


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_of_the_items_is_passed_on_and_no_thread_stays(threads):
    before = threading.active_count()
    with pytest.raises(OSError, match="the disk is gone"):
        list(ahead(str, broken(), threads))
    assert threading.active_count() == before


@pytest.mark.parametrize("close", [True, False])
def test_an_iterator_that_is_left_begins_nothing_more(close):
    before, begun = threading.active_count(), []

    def work(number):
        begun.append(number)
        time.sleep(0.005)
        return number

    results = ahead(work, count(), 2, waiting=20)
    assert next(results) == 0
    if close:
        results.close()
    else:
        del results
    assert threading.active_count() == before
    assert len(begun) < 20


def test_a_thread_of_its_own_makes_what_is_asked_for_and_a_little_more():
    made = []

    def numbers():
        for number in range(100):
            made.append((number, threading.get_ident()))
            yield number

    items = apart(numbers, 3)
    assert [next(items) for _ in range(10)] == list(range(10))
    time.sleep(0.2)
    assert 10 <= len(made) <= 15
    assert {thread for _, thread in made} != {threading.get_ident()}
    assert list(items) == list(range(10, 100))


def test_what_fails_in_the_other_thread_is_raised_after_what_came_before():
    def failing():
        yield 1
        raise ValueError("broken")

    items = apart(failing, 3)
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_nothing_goes_on_when_nobody_asks_any_more():
    closed, left = threading.Event(), threading.Event()

    def endless():
        try:
            yield from count()
        finally:
            closed.set()

    before = threading.active_count()
    items = apart(endless, 1, left)
    next(items)
    assert not left.is_set()
    items.close()
    assert left.is_set()
    assert closed.is_set()
    assert threading.active_count() == before
