"""tintype serve"""

from __future__ import annotations

from typing import Annotated

from tintype.cli import complain, say
from tintype.cli.options import Flag, OnDevice, between, several
from tintype.errors import not_installed
from tintype.models import DEFAULT


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8750,
    open: Flag = False,
    model: str = DEFAULT,
    device: OnDevice = "cpu",
    token: str | None = None,
    jobs: Annotated[int | None, between(1, 64)] = None,
    max_megapixels: Annotated[float, between(0, 1000, above=True)] = 200,
    max_upload: Annotated[float, between(0, above=True)] = 500,
    max_photographs: Annotated[int, between(1)] = 2000,
    max_disk: Annotated[float, between(0, above=True)] = 10,
    idle: Annotated[float, between(0, above=True)] = 120,
    folder: str | None = None,
    address: Annotated[tuple[str, ...], several("addresses such as https://photographs.example.org")] = (),
    proxy: str | None = None,
) -> int:
    """Serve a page on which photographs are coloured, and an API for programs.

    Example: tintype serve --open

    Drop photographs on the page, correct what is wrong, and download the results. Nothing leaves this computer. Needs
    the extra `serve`.

    Parameters
    ----------
    host
        The address to listen on: 0.0.0.0 for all of this machine. Where others can reach it, they need a token.
    port
        The port; 0: any that is free.
    open
        Open the page in a browser.
    model
        The model that colours where none is chosen: one that ships with tintype, or an .onnx file.
    device
        Where the network computes: cpu, or cuda, directml, coreml or openvino where onnxruntime has them; auto takes
        cuda, directml or openvino where one works, else the CPU. See docs/archives.md.
    token
        What opens the page and the API: 8 or more letters, digits or -._~. Default: none where only this computer
        reaches the page; else a new one at every start, which is printed.
    jobs
        How many photographs are worked on at the same time, 1 to 64. Default: one per processor, and at least 2.
    max_megapixels
        The largest photograph, up to 1000; a larger one is refused before it is decoded.
    max_upload
        The largest file, in MB.
    max_photographs
        How many photographs are kept at the same time.
    max_disk
        How much of the disk they may take together, in GB.
    idle
        Minutes after which a photograph that nobody uses is forgotten.
    folder
        Where the private folder of the photographs lies while the server runs. Default: the system's folder for
        temporary files.
    address
        The address that people type, such as https://photographs.example.org, where it is not this machine's own;
        several with commas between them.
    proxy
        The address of a web server in front, such as 127.0.0.1: what it says of its clients is believed.
    """
    try:
        from tintype.server import process
        from tintype.server.service import Bounds
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn", "fastapi", "pydantic", "python_multipart"):
            raise
        raise not_installed("The page", error.name, "serve") from None
    from tintype.threads import available_threads

    def announce(shown: str, token: str | None) -> None:
        page = shown if token is None else f"{shown}?token={token}"
        say(f"Page: {page}")
        say(f"API:  {shown}openapi.json{'' if token is None else f', with the header Authorization: Bearer {token}'}")
        say("Ctrl-C stops.")
        if open:
            import webbrowser

            if not webbrowser.open(page):
                complain("no browser could be opened: open the page yourself")

    try:
        process.serve(
            model,
            device=device,
            host=host,
            port=port,
            token=token,
            address=",".join(address) or None,
            proxy=proxy,
            folder=folder,
            disk=round(max_disk * 1e9),
            bounds=Bounds(
                upload=round(max_upload * 1e6),
                pixels=round(max_megapixels * 1e6),
                photographs=max_photographs,
                idle=60 * idle,
                jobs=max(2, available_threads()) if jobs is None else jobs,
            ),
            announce=announce,
        )
    except KeyboardInterrupt:
        return 130  # That is how it is ended: there is nothing to say.
    return 0
