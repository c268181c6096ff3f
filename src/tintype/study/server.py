"""The pages of a study, served to its participants; a small application without any state but the answers.

A participant is known by a random code in a cookie. Pictures come under the number of their trial and their side, so
that no name, header or cache tells which is which, and only those of the trial that comes next and of the one after it.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
import socket
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import uvicorn
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tintype.errors import OptionError, TintypeError
from tintype.study import plates, report
from tintype.study.analysis import Analysis, analyse, read_answers
from tintype.study.answers import INPUTS, Answer, NotNow, Progress, Store, Unknown
from tintype.study.design import TRUTH, Study, Trial, method_of, plan, read_study

ANSWERS = {False: "answers.sqlite", True: "quiz.sqlite"}
"""The file in the study's folder: of the study, and of the quiz, so that the two never mix."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer, under which browsers name no origin of a form either, and `_own` needs it.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""Of every response."""

BODY = 4096
"""Bytes at most that a request may bring."""

LONGEST = 1e9
"""Milliseconds, or frames in a second, at most that a page may claim to have measured."""

STATIC = {
    "study.css": "text/css; charset=utf-8",
    "trial.js": "text/javascript; charset=utf-8",
    "next.js": "text/javascript; charset=utf-8",
    "screen.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

NEWCOMERS, PACE, STRANGERS = (240, 1.0), (80, 20.0), (30, 0.5)
"""At once, and then per second: new participants of an address, where a whole class may sit; what a participant asks
for; and wrong codes and tokens of an address."""


class Bucket:
    """A limit on how often each of many callers may do something: so often at once, and then so often a second."""

    def __init__(self, most: float, per_second: float, clock: Callable[[], float] = time.monotonic):
        self.most, self.per_second, self.clock = most, per_second, clock
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, caller: str) -> bool:
        """Whether the caller may, this time."""
        now = self.clock()
        if len(self._left) > 10_000:
            # Whoever could have filled up again since is as good as forgotten.
            full = self.most / self.per_second
            self._left = {key: value for key, value in self._left.items() if now - value[1] < full}
        left, since = self._left.get(caller, (self.most, now))
        left = min(self.most, left + (now - since) * self.per_second)
        self._left[caller] = (max(0.0, left - 1), now)
        return left >= 1


def application(study: Study, store: Store, token: str, *, quiz: bool = False, address: str = "") -> Callable:
    """The ASGI application.

    Args:
        token: opens the pages that show what was answered.
        quiz: whether every answer is told right or wrong, and there is a screen with the score of all.
        address: of the study as participants type it, for that screen.
    """
    site = _Site(study, store, token, quiz, address)
    routes = [
        Route("/", site.welcome),
        Route("/begin", site.begin, methods=["POST"]),
        Route("/vision", site.vision),
        Route("/vision", site.look, methods=["POST"]),
        Route("/plate/{number:int}", site.plate),
        Route("/trial", site.trial),
        Route("/picture/{number:int}/{side}", site.picture),
        Route("/answer", site.answer, methods=["POST"]),
        Route("/thanks", site.thanks),
        Route("/mine", site.mine),
        Route("/mine/{code}.json", site.export),
        Route("/mine/{code}", site.data),
        Route("/mine/{code}/delete", site.delete, methods=["POST"]),
        Route("/results", site.results),
        Route("/results/report", site.report),
        Route("/results/report.csv", site.table),
        Route("/static/{name}", site.static),
    ]
    if quiz:
        routes += [
            Route("/next", site.next, methods=["POST"]),
            Route("/screen", site.screen),
            Route("/screen.json", site.running),
        ]

    @asynccontextmanager
    async def life(_):
        yield
        store.close()

    failures = {
        HTTPException: site.refused,
        Unknown: site.unknown,
        NotNow: site.not_now,
        TintypeError: site.told,
        sqlite3.Error: site.not_kept,
        Exception: site.failed,
    }
    inner = Starlette(routes=routes, exception_handlers=failures, lifespan=life)
    inner.router.redirect_slashes = False

    async def guarded(scope, receive, send):
        async def add(message):
            if message["type"] == "http.response.start":
                named = {name.lower() for name, _ in message["headers"]}
                extra = [(key.lower().encode(), value.encode()) for key, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in named)]
            await send(message)

        await inner(scope, receive, add)

    return guarded


class _Site:
    """What the pages share, and a method for each.

    What takes a few microseconds, as reading a row or a picture does, is done at once; only what waits for the disk or
    computes goes to a thread, where it holds nobody else up.
    """

    def __init__(self, study: Study, store: Store, token: str, quiz: bool, address: str):
        self.study, self.store, self.token, self.quiz, self.address = study, store, token, quiz, address
        # Browsers send the cookies of a host to all of its ports: two studies must not take each other's.
        kind = "quiz" if quiz else "study"
        self.cookie, self.pass_cookie = f"{kind}-{study.digest[:12]}", f"{kind}-results-{study.digest[:12]}"
        self.plates = plates.draw(study.seed)
        self.newcomers, self.pace, self.strangers = Bucket(*NEWCOMERS), Bucket(*PACE), Bucket(*STRANGERS)
        self.pages = Environment(
            loader=PackageLoader("tintype.study", "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.pages.globals |= {"study": study, "quiz": quiz}
        self.files = {name: files("tintype.study").joinpath("pages", name).read_bytes() for name in STATIC}

    # ---- a participant's way

    async def welcome(self, request: Request) -> Response:
        progress = self._known(request)
        if progress:
            return _to(_place(progress))
        seconds = (self.study.practice + self.study.trials) * (self.study.exposure + 3)
        return self._page("welcome", minutes=max(1, round(seconds / 60)), plates=len(self.plates))

    async def begin(self, request: Request) -> Response:
        _own(request)
        if self._known(request):
            return _to("/")
        if not self.newcomers.take(_address(request)):
            raise HTTPException(429, "Very many people began from here at once: try again in a minute")
        code = await run_in_threadpool(self.store.begin, self._plan)
        response = _to("/vision")
        self._remember(request, response, self.cookie, code)
        return response

    def _plan(self, participant: int) -> tuple[str, list[Trial]]:
        method = method_of(self.study, participant)
        return method, plan(self.study, participant, method)

    async def vision(self, request: Request) -> Response:
        progress = self._known(request)
        if progress is None or progress.looked:
            return _to("/")
        return self._page("vision", plates=len(self.plates), side=plates.SIDE)

    async def look(self, request: Request) -> Response:
        _own(request)
        code = self._code(request)
        form = await _form(request)
        right = sum(form.get(f"plate{number}", "").strip() == str(p.digit) for number, p in enumerate(self.plates))
        await run_in_threadpool(self.store.look, code, len(self.plates), right)
        return _to("/")

    async def plate(self, request: Request) -> Response:
        number = request.path_params["number"]
        if number >= len(self.plates):
            raise HTTPException(404, "There is no such plate")
        return Response(self.plates[number].png, media_type="image/png")

    async def trial(self, request: Request) -> Response:
        progress = self._known(request)
        if progress is None or not progress.looked or progress.finished:
            return _to("/")
        return self._page("trial", number=progress.answered)

    async def picture(self, request: Request) -> Response:
        progress = self.store.progress(self._code(request))
        number, side = request.path_params["number"], request.path_params["side"]
        if (
            side not in ("left", "right")
            or not progress.answered <= number <= progress.answered + 1
            or number >= progress.trials
        ):
            raise HTTPException(404, "This picture is not shown now")
        trial = self.store.trial(progress.participant, number)
        machine = (side == "left") == trial.machine_left
        path = self.study.picture(trial.photograph, trial.method if machine else TRUTH)
        return Response(path.read_bytes(), media_type="image/png")

    async def answer(self, request: Request) -> Response:
        _own(request)
        code = self._code(request)
        answer = _answer(await _body(request))
        correct = await run_in_threadpool(self.store.answer, code, answer)
        told = self.quiz or answer.number < self.study.practice
        return JSONResponse({"correct": correct} if told else {})

    async def thanks(self, request: Request) -> Response:
        progress = self._known(request)
        if progress is None:
            return _to("/")
        code = request.cookies[self.cookie]
        wished = progress.finished and (self.quiz or "score" in request.query_params)
        return self._page("thanks", code=code, progress=progress, score=self.store.score(code) if wished else None)

    async def next(self, request: Request) -> Response:
        """Forget who was here: the next person begins."""
        _own(request)
        response = _to("/")
        response.delete_cookie(self.cookie, path="/", httponly=True, samesite="strict")
        return response

    # ---- one's own data

    async def mine(self, request: Request) -> Response:
        code = request.query_params.get("code", "").strip()
        return _to(f"/mine/{quote(code, safe='')}") if code else self._page("mine")

    async def data(self, request: Request) -> Response:
        return self._page("data", kept=self._export(request))

    async def export(self, request: Request) -> Response:
        return JSONResponse(
            self._export(request), headers={"Content-Disposition": 'attachment; filename="my-answers.json"'}
        )

    def _export(self, request: Request) -> dict[str, Any]:
        code = request.path_params["code"]
        try:
            return self.store.export(code, verdicts=self.quiz)
        except Unknown:
            self._strange(request)
            raise

    async def delete(self, request: Request) -> Response:
        _own(request)
        try:
            await run_in_threadpool(self.store.delete, request.path_params["code"])
        except Unknown:
            self._strange(request)
            raise
        response = self._page("deleted")
        if request.cookies.get(self.cookie) == request.path_params["code"]:
            response.delete_cookie(self.cookie, path="/", httponly=True, samesite="strict")
        return response

    # ---- whoever has the token

    async def results(self, request: Request) -> Response:
        return self._admitted(request) or self._page(
            "results", counts=self.store.counts(), score=self.store.score(), path=self.store.path
        )

    def report(self, request: Request) -> Response:
        if admitted := self._admitted(request):
            return admitted
        # What it says of the page's style is all that the page needs.
        headers = {"Content-Security-Policy": f"{report.policy()}; frame-ancestors 'none'"}
        return Response(report.page(self.study, self._analysis()), media_type="text/html", headers=headers)

    def table(self, request: Request) -> Response:
        headers = {"Content-Disposition": 'attachment; filename="report.csv"'}
        return self._admitted(request) or Response(
            report.table(self.study, self._analysis()), media_type="text/csv", headers=headers
        )

    def _analysis(self) -> Analysis:
        return analyse(self.study, read_answers(self.store.path))

    async def screen(self, request: Request) -> Response:
        return self._admitted(request) or self._page(
            "screen", address=self.address or str(request.base_url), score=self.store.score()
        )

    async def running(self, request: Request) -> Response:
        return self._admitted(request) or JSONResponse(asdict(self.store.score()))

    def _admitted(self, request: Request) -> Response | None:
        """None for whoever has the token in a cookie. One in the address becomes that cookie, so that it stays neither
        in the address bar nor in the history; HTTPException for everybody else."""
        given = request.query_params.get("token")
        token = request.cookies.get(self.pass_cookie, "") if given is None else given
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            self._strange(request)
            raise HTTPException(403, "This page needs the token that was printed when the server started")
        if given is None:
            return None
        response = _to(request.url.path)
        self._remember(request, response, self.pass_cookie, given)
        return response

    # ---- what all of them use

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.files:
            raise HTTPException(404, "There is no such page here")
        return Response(self.files[name], media_type=STATIC[name])

    def _page(self, name: str, status: int = 200, **values: Any) -> Response:
        text = self.pages.get_template(f"{name}.html.jinja").render(values)
        return Response(text, status, media_type="text/html")

    def _code(self, request: Request) -> str:
        """The participant's code, who may ask for so much and no more."""
        code = request.cookies.get(self.cookie)
        if code is None:
            raise Unknown("You have not begun: open the first page")
        if not self.pace.take(code):
            raise HTTPException(429, "Too many requests at once: try again in a few seconds")
        return code

    def _known(self, request: Request) -> Progress | None:
        """How far the participant is; None when nobody has begun, or all was deleted."""
        with suppress(Unknown):
            return self.store.progress(self._code(request))
        return None

    def _strange(self, request: Request) -> None:
        if not self.strangers.take(_address(request)):
            raise HTTPException(429, "Too many wrong codes or tokens: try again in a minute")

    def _remember(self, request: Request, response: Response, name: str, value: str) -> None:
        response.set_cookie(
            name, value, max_age=30 * 86400, httponly=True, samesite="strict", secure=request.url.scheme == "https"
        )

    # ---- what went wrong, in a sentence

    def refused(self, request: Request, error: HTTPException) -> Response:
        # Where starlette itself refuses, it says no more than the status does.
        said = (
            error.detail
            if error.detail != HTTPStatus(error.status_code).phrase
            else _REFUSALS.get(error.status_code, error.detail)
        )
        return self._said(request, error.status_code, said, error.headers)

    def unknown(self, request: Request, error: Unknown) -> Response:
        return self._said(request, 404, str(error))

    def not_now(self, request: Request, error: NotNow) -> Response:
        return self._said(request, 409, str(error))

    def told(self, request: Request, error: TintypeError) -> Response:
        return self._said(request, 500, str(error))

    def not_kept(self, request: Request, error: sqlite3.Error) -> Response:
        return self._said(request, 503, "This could not be kept just now: try again")

    def failed(self, request: Request, error: Exception) -> Response:
        return self._said(request, 500, "Something went wrong here; what you answered is kept: reload the page")

    def _said(self, request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            response = self._page("sentence", status, sentence=sentence)
        else:
            response = JSONResponse({"error": sentence}, status)
        response.headers.update(headers or {})
        return response


_REFUSALS = {
    404: "There is no such page here",
    405: "This address does not answer to that method",
}


def _place(progress: Progress) -> str:
    """The page where a participant goes on."""
    return "/vision" if not progress.looked else "/thanks" if progress.finished else "/trial"


def _to(path: str) -> Response:
    return RedirectResponse(path, 303)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _own(request: Request) -> None:
    """Refuse what a page of another site sends in a participant's name."""
    origin = urlsplit(request.headers.get("origin", "")).netloc
    if not origin or origin != request.headers.get("host"):
        raise HTTPException(403, "This was sent from another site: use the pages of the study")


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY:
            raise HTTPException(413, f"More than {BODY} bytes were sent, which no page of the study does")
    return body


async def _form(request: Request) -> dict[str, str]:
    fields = parse_qs((await _body(request)).decode("utf-8", "replace"), max_num_fields=50)
    return {key: values[0] for key, values in fields.items()}


def _answer(body: bytes) -> Answer:
    """What a page says of a trial; HTTPException when it is not that."""
    try:
        said = json.loads(body)
        measured = {key: said[key] for key in ("exposure_ms", "refresh_hz", "reaction_ms")}
        right = (
            type(said["trial"]) is int
            and type(said["left"]) is bool
            and said["input"] in INPUTS
            and all(x is None or (type(x) in (int, float) and 0 <= x <= LONGEST) for x in measured.values())
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        right = False
    if not right:
        raise HTTPException(400, "This is no answer to a trial: reload the page")
    return Answer(said["trial"], said["left"], input=said["input"], **measured)


# ---- a server


def serve(
    folder: str | os.PathLike,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    token: str | None = None,
    quiz: bool = False,
    announce: Callable[[str, str], None] = lambda address, token: None,
) -> None:
    """Serve a study until the process is asked to end.

    Args:
        folder: of the study.
        port: 0 takes any that is free.
        token: opens the results; by default a new one.
        quiz: with feedback after every trial, a screen with the score of all, and answers of its own.
        announce: called once the address takes connections, with it and the token.
    Raises:
        StudyError: the folder holds no study, it was changed, or its answers cannot be kept. OptionError: the address
        cannot be used.
    """
    study = read_study(folder, check=True)
    token = secrets.token_urlsafe(16) if token is None else token
    if not re.fullmatch(r"[A-Za-z0-9._~-]{8,}", token):
        raise OptionError("--token must have 8 or more letters, digits or -._~, as it is part of an address")
    with _listening(host, port) as listening:
        port = listening.getsockname()[1]
        # A name that others can type, where the server listens on every address of this machine.
        name = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        address = f"http://{name}:{port}/"
        store = Store(study.folder / ANSWERS[quiz], study.digest)
        # No log of requests: addresses and codes are nobody's business.
        config = uvicorn.Config(
            application(study, store, token, quiz=quiz, address=address),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=5,
        )
        announce(address, token)
        uvicorn.Server(config).run(sockets=[listening])


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
