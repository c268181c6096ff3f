"""A study on the network: the socket, the names of this machine, and the process that answers."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import uvicorn

from tintype.errors import OptionError
from tintype.study import limits, report
from tintype.study.answers import Store
from tintype.study.design import read_study
from tintype.study.site import application

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
    token = secrets.token_urlsafe(16) if token is None else token
    if not re.fullmatch(r"[A-Za-z0-9._~-]{8,}", token):
        raise OptionError("--token must have 8 or more letters, digits or -._~, because it is part of an address")
    addresses = [] if address is None else [_given(one) for one in address.split(",")]
    proxies = [] if proxy is None else [_network(one) for one in proxy.split(",")]
    with _listening(host, port) as listening:
        port = listening.getsockname()[1]
        own = {socket.gethostname(), socket.gethostname().partition(".")[0]}
        own |= {f"{name}.local" for name in own}
        names = {host, *own, *(urlsplit(one).hostname or "" for one in addresses)}
        shown = addresses[0] if addresses else f"http://{_name(host)}:{port}/"
        store = Store(study.folder / ANSWERS[quiz], study.digest)
        limits.log()
        config = uvicorn.Config(
            application(study, store, token, quiz=quiz, address=shown, names=names),
            http=limits.protocol(limits.room_for_connections()),
            ws="none",
            log_config=None,
            # No log of requests: addresses and codes are nobody's business.
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_keep_alive=int(limits.IDLE),
            timeout_graceful_shutdown=5,
        )
        announce(shown, token)
        limits.Server(config).run(sockets=[listening])


def _name(host: str) -> str:
    """What others type for this machine."""
    if host not in ("0.0.0.0", "::"):
        return f"[{host}]" if ":" in host else host
    # Which of its addresses leads to the world the system tells without sending anything.
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("192.0.2.1", 9))
        return str(asking.getsockname()[0])
    return socket.gethostname()


def _given(address: str) -> str:
    """An address of --address, ending in a slash."""
    try:
        parts = urlsplit(address.strip())
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.username is None and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.path not in ("", "/") or parts.query or parts.fragment or not address.isascii():
        raise OptionError(f"--address must be like https://study.example.org, not {address!r}")
    return f"{parts.scheme}://{parts.netloc}/"


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip())) if "/" in text else str(ipaddress.ip_address(text.strip()))
    except ValueError:
        raise OptionError(
            f"--proxy must be the address of the web server in front, such as 127.0.0.1, not {text!r}"
        ) from None


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port < 65536:
        raise OptionError(f"--port must be from 0 to 65535, not {port}")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=2048)
        # Else the end of each response waits 40 ms for the client to acknowledge its beginning.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise OptionError(
            f"{host}:{port} cannot be listened on ({error.strerror}): choose another --port or --host"
        ) from None
