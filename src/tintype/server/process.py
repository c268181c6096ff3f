"""The process that serves the page and the API."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable

from tintype.models.device import Device
from tintype.server.application import application
from tintype.server.folder import private_folder
from tintype.server.models import Models
from tintype.server.service import GRACE, Bounds, Service
from tintype.threads import available_threads
from tintype.web import limits
from tintype.web.listening import (
    checked_addresses,
    checked_proxies,
    checked_token,
    is_loopback,
    listen,
    names_of,
    shown_address,
)


def serve(
    model: str,
    *,
    device: Device = "cpu",
    host: str = "127.0.0.1",
    port: int = 8750,
    token: str | None = None,
    address: str | None = None,
    proxy: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    disk: int = 10 << 30,
    bounds: Bounds | None = None,
    announce: Callable[[str, str | None], None] = lambda address, token: None,
) -> None:
    """Serve until the process is asked to end.

    Args:
        model: that colours where none is chosen: a name, or the path of a file.
        device: where the networks compute.
        port: 0 takes any that is free.
        token: what opens the page and the API. By default none is needed where only this machine reaches them, and else
            a new one is made.
        address: under which the page is reached, where that is not this machine's own; several with commas between
            them, of which the first is shown.
        proxy: the address of the web server in front, or of a network of such, in numbers. What it says of the client
            (X-Forwarded-For and X-Forwarded-Proto) is believed, and of nobody else.
        folder: where the private folder of uploads lies; None: the system's folder for temporary files.
        disk: bytes that uploads and results may take together.
        announce: called once the address takes connections, with it and the token.
    Raises:
        OptionError: the address, the folder, the device or the model cannot be used. ModelError: the model's file is
            none.
    """
    if token is not None or not is_loopback(host):
        token = checked_token(secrets.token_urlsafe(16) if token is None else token)
    addresses, proxies = checked_addresses(address), checked_proxies(proxy)
    threads = available_threads()
    with listen(host, port) as listening, private_folder(folder, disk) as private:
        shown = addresses[0] if addresses else shown_address(host, listening.getsockname()[1])
        service = Service(Models(model, device=device), private, bounds or Bounds(), threads=threads, token=token)
        app = application(service, names_of(host, addresses))
        announce(shown, token)
        limits.run(app, listening, proxies, uploads=True, grace=round(GRACE) + 3, stopping=service.stop)
