"""One run at a time in a store of results: a file there that says who is at work, renewed while that lasts."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from datetime import datetime
from types import TracebackType

from tintype.cluster.stores import Store
from tintype.errors import FolderInUse, StoreError
from tintype.files import is_dead, this_process

PLACE = ".tintype/at-work.json"

RENEWED = 30
"""Seconds after which a run says again that it is at work."""

GONE = 300
"""Seconds after which a run that said nothing is no longer at work."""


class Presence:
    """Says that a run is at work in a store of results, until it ends.

    Stores know no locks. Two runs that begin within the same moment may both go on; they write the same bytes, then.

    Raises FolderInUse where another run is at work, one sentence that says who.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._since = datetime.now()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Presence:
        if (who := who_is_at_work(self._store)) is not None:
            raise FolderInUse(
                f"{self._store.name('')} is in work by another run ({who}): wait until it ends, or give another place "
                "with -o"
            )
        self._say()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        with suppress(StoreError):
            self._store.remove(PLACE)

    def _say(self) -> None:
        content = {"process": this_process(), "number": os.getpid(), "since": f"{self._since:%Y-%m-%d %H:%M}"}
        self._store.write(json.dumps(content | {"seen": time.time()}).encode(), PLACE)

    def _renew(self) -> None:
        while not self._end.wait(RENEWED):
            with suppress(StoreError):  # One that does not answer is told of by those who put results there.
                self._say()


def who_is_at_work(store: Store) -> str | None:
    """The run that is at work in a store of results, in words; None where none is."""
    try:
        content = json.loads(store.read(PLACE))
        process, number, since, seen = (content[name] for name in ("process", "number", "since", "seen"))
        dead = is_dead(process)
    except (StoreError, ValueError, KeyError, TypeError):
        return None
    if dead or (dead is None and time.time() - seen > GONE):
        return None
    return f"process {number}{' on another machine' if dead is None else ''}, since {since}"
