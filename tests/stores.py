"""Stores on this machine: a real OpenSSH server, and an S3 server that is an imitation (moto's)."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def s3_server(*buckets: str) -> Iterator[dict[str, str]]:
    """An S3 server on the loopback address with these buckets; yields the variables that lead to it."""
    import boto3
    from moto.moto_api._internal import moto_api_backend
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    moto_api_backend.reset()  # Servers of one process keep what earlier ones were given.
    host, port = server.get_host_and_port()
    address, key = f"http://{host}:{port}", "testing"
    try:
        client = boto3.client("s3", "us-east-1", endpoint_url=address, aws_access_key_id=key, aws_secret_access_key=key)
        for bucket in buckets:
            client.create_bucket(Bucket=bucket)
        yield {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        server.stop()


@contextmanager
def sftp_server(home: Path) -> Iterator[str]:
    """An OpenSSH server on the loopback address, that lets in whoever has `home` for a home folder.

    Yields sftp://USER@HOST:PORT. Keys are made for it.
    """
    assert SSHD is not None
    keys = home / ".ssh"
    keys.mkdir(mode=0o700, parents=True)
    for path in (keys / "id_ed25519", home / "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    host_key = " ".join((home / "host_key.pub").read_text().split()[:2])
    (keys / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": home / "host_key",
        "AuthorizedKeysFile": keys / "id_ed25519.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "Subsystem": "sftp internal-sftp",
    }
    (home / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", home / "sshd_config"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), timeout=60)):
                break
            time.sleep(0.1)
        yield f"sftp://{getpass.getuser()}@127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(60)
