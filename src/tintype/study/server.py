"""A study on the network: the process that answers."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable

from tintype.study import report
from tintype.study.answers import Store
from tintype.study.design import read_study
from tintype.study.site import application
from tintype.web import limits
from tintype.web.listening import (
    checked_addresses,
    checked_proxies,
    checked_token,
    listen,
    names_of,
    shown_address,
)

ANSWERS = {False: report.ANSWERS, True: report.QUIZ}
"""The file in the study's folder: of the study, and of the quiz, so that the two never mix."""


def serve(
    folder: str | os.PathLike[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    token: str | None = None,
    address: str | None = None,
    proxy: str | None = None,
    quiz: bool = False,
    announce: Callable[[str, str], None] = lambda address, token: None,
) -> None:
    """Serve a study until the process is asked to end.

    Args:
        folder: of the study.
        port: 0 takes any that is free.
        token: opens the results; by default a new one.
        address: under which participants reach the study, where that is not this machine's own; several with commas
            between them, of which the first is shown.
        proxy: the address of the web server in front, or of a network of such, in numbers. What it says of the client
            (X-Forwarded-For and X-Forwarded-Proto) is believed, and of nobody else.
        quiz: with feedback after every trial, a screen with the score of all, and answers of its own.
        announce: called once the address takes connections, with it and the token.
    Raises:
        StudyError: the folder holds no study, it was changed, or its answers cannot be kept. OptionError: the address
        cannot be used.
    """
    study = read_study(folder, check=True)
    token = checked_token(secrets.token_urlsafe(16) if token is None else token)
    addresses, proxies = checked_addresses(address), checked_proxies(proxy)
    with listen(host, port) as listening:
        shown = addresses[0] if addresses else shown_address(host, listening.getsockname()[1])
        store = Store(study.folder / ANSWERS[quiz], study.digest)
        app = application(study, store, token, quiz=quiz, address=shown, names=names_of(host, addresses))
        announce(shown, token)
        limits.run(app, listening, proxies)
