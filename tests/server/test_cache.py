"""What is kept to be quick."""

from tintype.server.cache import Cache


def test_the_latest_used_stay_as_long_as_there_is_room():
    cache: Cache[str, bytes] = Cache(10, len)
    for key in "abc":
        cache.put(key, bytes(3))
    assert cache.get("a") == bytes(3)
    cache.put("d", bytes(3))
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, True, True]
    cache.put("large", bytes(11))
    assert cache.get("large") is None
    cache.put("a", bytes(9))
    assert (cache.taken, cache.get("d")) == (9, None)
    cache.drop(lambda key: key == "a")
    assert cache.taken == 0
