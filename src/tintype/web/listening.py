"""The socket of a server, the names under which it is reached, and what a web server in front may say."""

from __future__ import annotations

import ipaddress
import re
import socket
from contextlib import suppress
from urllib.parse import urlsplit

from tintype.errors import OptionError


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; port 0 takes any that is free.

    Raises OptionError, one sentence, where that address cannot be used.
    """
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


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on a host."""
    if host.lower() == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return False


def shown_address(host: str, port: int) -> str:
    """The address that others type for this machine, ending in a slash."""
    return f"http://{_name(host)}:{port}/"


def names_of(host: str, addresses: list[str]) -> set[str]:
    """The names of hosts under which a server on this machine is reached: its own, and those of the addresses."""
    own = {socket.gethostname(), socket.gethostname().partition(".")[0]}
    own |= {f"{name}.local" for name in own}
    return {host, *own, *(urlsplit(one).hostname or "" for one in addresses)}


def checked_addresses(text: str | None) -> list[str]:
    """The addresses of --address, with commas between them; each ends in a slash. OptionError for what is none."""
    return [] if text is None else [_given(one) for one in text.split(",")]


def checked_proxies(text: str | None) -> list[str]:
    """The addresses and networks of --proxy, with commas between them. OptionError for what is none."""
    return [] if text is None else [_network(one) for one in text.split(",")]


def checked_token(token: str) -> str:
    """A token that can be part of an address, and not be guessed. Raises OptionError."""
    if not re.fullmatch(r"[A-Za-z0-9._~-]{8,}", token):
        raise OptionError("--token must have 8 or more letters, digits or -._~, because it is part of an address")
    return token


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
