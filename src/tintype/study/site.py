"""The pages of a study, served to its participants; a small application without any state but the answers.

A participant is known by a random code in a signed cookie. Pictures come under the number of their trial and their
side, so that no name, header or cache tells which is which, and only those of the trial that comes next and of the one
after it. An answer is taken when both were sent and could be seen.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlsplit

import segno
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tintype.errors import TintypeError
from tintype.study import report, tables, texts, vision
from tintype.study.analysis import Analysis, analyse
from tintype.study.answers import INPUTS, Answer, NotNow, Progress, Store, Taken, Unknown
from tintype.study.collected import read_answers
from tintype.study.design import TRUTH, Study, Trial, method_of, plan
from tintype.web import guard
from tintype.web.limits import Bucket

LONGEST = 1e9
"""Milliseconds, or frames in a second, at most that a page may claim to have measured."""

STATIC = {
    "page.css": "text/css; charset=utf-8",
    "study.css": "text/css; charset=utf-8",
    "trial.js": "text/javascript; charset=utf-8",
    "next.js": "text/javascript; charset=utf-8",
    "screen.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

HALVES = 10_000
"""Trials at most of which it is remembered that one picture was sent."""

NEWCOMERS, PACE, STRANGERS = (240, 1.0), (80, 20.0), (30, 0.5)
"""At once, and then per second: new participants of an address, where a whole class may sit; what a participant asks
for; and wrong codes and tokens of an address."""


RECRUITED = r"[A-Za-z0-9_.-]{1,64}"
"""Codes by which recruitment sites know their participants."""

SIDES = ("left", "right")


def application(
    study: Study, store: Store, token: str, *, quiz: bool = False, address: str = "", names: Collection[str] = ()
) -> ASGIApp:
    """The ASGI application.

    Args:
        token: opens the pages that show what was answered.
        quiz: whether every answer is told right or wrong, and there is a screen with the score of all.
        address: of the study as participants type it, for that screen.
        names: of hosts under which it is served, beside localhost and every address in numbers. To any other name it
            gives nothing: else a page of another site could let its own name lead here, and read what is here.
    """
    site = _Site(study, store, token, quiz, address)
    routes = [
        Route("/", site.welcome),
        Route("/begin", site.begin, methods=["POST"]),
        Route("/vision", site.vision),
        Route("/vision", site.look, methods=["POST"]),
        Route("/plate/{number}", site.plate),
        Route("/trial", site.trial),
        Route("/picture/{number}/{side}", site.picture),
        Route("/answer", site.answer, methods=["POST"]),
        Route("/thanks", site.thanks),
        Route("/mine", site.mine),
        Route("/mine/{code}.json", site.export),
        Route("/mine/{code}", site.data),
        Route("/mine/{code}/delete", site.delete, methods=["POST"]),
        Route("/results", site.results),
        Route("/results/report", site.report),
        Route("/results/report.csv", site.table),
        Route("/results/answers.csv", site.answers),
        Route("/static/{name}", site.static),
    ]
    if quiz:
        routes += [
            Route("/next", site.next, methods=["POST"]),
            Route("/screen", site.screen),
            Route("/screen.json", site.running),
        ]

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    failures: dict[Any, Callable[[Request, Any], Response]] = {
        HTTPException: site.refused,
        ClientDisconnect: site.gone,
        Unknown: site.unknown,
        NotNow: site.not_now,
        Taken: site.taken,
        TintypeError: site.told,
        sqlite3.Error: site.not_kept,
        Exception: site.failed,
    }
    inner = Starlette(routes=routes, exception_handlers=failures, lifespan=life)
    inner.router.redirect_slashes = False
    return guard.guarded(inner, names, site.refused)


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
        self.plates = vision.draw(study.seed)
        self.newcomers, self.pace, self.strangers = Bucket(*NEWCOMERS), Bucket(*PACE), Bucket(*STRANGERS)
        self.pages = Environment(
            loader=PackageLoader("tintype.study", "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.pages.globals |= {"study": study, "quiz": quiz, "say": self.say}
        self.texts = {**texts.english(), **study.texts}
        self.trial_texts = {
            key.removeprefix("trial."): text for key, text in self.texts.items() if key.startswith("trial.")
        }
        self.consent = list(texts.blocks(study.consent))
        # Of which pictures only one was sent so far: (participant, number) -> its side.
        self.halves: dict[tuple[int, int], str] = {}
        pages = files("tintype.study") / "pages"
        self.files = {
            name: (files("tintype.web") / name if name == "page.css" else pages / name).read_bytes() for name in STATIC
        }

    # ---- a participant's way

    async def welcome(self, request: Request) -> Response:
        progress = self._known(request)
        if progress:
            return _to(_place(progress))
        asked = self._recruits
        recruited = request.query_params.get(self.study.participant_code, "") if asked else ""
        if asked and not re.fullmatch(RECRUITED, recruited):
            raise HTTPException(400, "no_participant")
        seconds = (self.study.practice + self.study.trials) * (self.study.exposure + 3)
        return self._page(
            "welcome",
            minutes=max(1, round(seconds / 60)),
            plates=len(self.plates),
            consent=self.consent,
            contact_link=texts.link(self.study.contact),
            recruited=recruited,
        )

    @property
    def _recruits(self) -> bool:
        """Whether a recruitment site sends the participants."""
        return bool(self.study.participant_code) and not self.quiz

    async def begin(self, request: Request) -> Response:
        guard.check_origin(request)
        if self._known(request):
            return _to("/")
        recruited = (await guard.form(request)).get("participant", "") if self._recruits else None
        if recruited is not None and not re.fullmatch(RECRUITED, recruited):
            raise HTTPException(400, "no_participant")
        if not self.newcomers.take(guard.caller(request)):
            raise HTTPException(429, "crowd")
        code = await run_in_threadpool(self.store.begin, self._plan, recruited)
        response = _to("/vision")
        guard.remember(request, response, self.cookie, f"{code}.{self._signature(code)}")
        return response

    def _plan(self, participant: int) -> tuple[str, list[Trial]]:
        method = method_of(self.study, participant)
        return method, plan(self.study, participant, method)

    async def vision(self, request: Request) -> Response:
        progress = self._known(request)
        if progress is None or progress.looked:
            return _to("/")
        return self._page("vision", plates=len(self.plates), side=vision.SIDE)

    async def look(self, request: Request) -> Response:
        guard.check_origin(request)
        code = self._code(request)
        form = await guard.form(request)
        right = sum(form.get(f"plate{number}", "").strip() == str(p.digit) for number, p in enumerate(self.plates))
        await run_in_threadpool(self.store.look, code, len(self.plates), right)
        return _to("/")

    async def plate(self, request: Request) -> Response:
        number = _number(request)
        if number is None or number >= len(self.plates):
            raise HTTPException(404, "no_plate")
        return Response(self.plates[number].png, media_type="image/png")

    async def trial(self, request: Request) -> Response:
        progress = self._known(request)
        if progress is None or not progress.looked or progress.finished:
            return _to("/")
        return self._page("trial", number=progress.answered, texts=self.trial_texts)

    async def picture(self, request: Request) -> Response:
        progress = self.store.progress(self._code(request))
        number, side = _number(request), request.path_params["side"]
        if (
            side not in SIDES
            or number is None
            or not progress.answered <= number <= progress.answered + 1
            or number >= progress.trials
        ):
            raise HTTPException(404, "not_shown")
        trial = self.store.trial(progress.participant, number)
        machine = (side == "left") == trial.machine_left
        path = self.study.picture(trial.photograph, trial.method if machine else TRUTH)
        response = Response(path.read_bytes(), media_type="image/png")
        # Kept before the second one leaves, whichever that is: it takes the same time for both sides.
        half = self.halves.setdefault((progress.participant, number), side)
        if half != side:
            if not self.store.served(progress.participant, number):
                await run_in_threadpool(self.store.serve, progress.participant, number)
            self.halves.pop((progress.participant, number), None)
        while len(self.halves) > HALVES:
            del self.halves[next(iter(self.halves))]
        return response

    async def answer(self, request: Request) -> Response:
        guard.check_origin(request)
        code = self._code(request)
        answer = _answer(await request.body())
        correct = await run_in_threadpool(self.store.answer, code, answer, self.study.exposure)
        told = self.quiz or answer.number < self.study.practice
        return JSONResponse({"correct": correct} if told else {})

    async def thanks(self, request: Request) -> Response:
        progress = self._known(request)
        if progress is None:
            return _to("/")
        code = self._code(request)
        wished = progress.finished and (self.quiz or "score" in request.query_params)
        completion = ""
        if progress.finished and self.study.completion and not self.quiz:
            recruited = self.store.recruited(code) or ""
            completion = self.study.completion.replace("{code}", quote(recruited, safe=""))
        return self._page(
            "thanks",
            code=code,
            code_words=Markup('<code id="code">{}</code>').format(code),
            progress=progress,
            score=self.store.score(code) if wished else None,
            completion=completion,
        )

    async def next(self, request: Request) -> Response:
        """Forget who was here: the next person begins."""
        guard.check_origin(request)
        response = _to("/")
        response.delete_cookie(self.cookie, path="/", httponly=True, samesite="strict")
        return response

    # ---- one's own data

    async def mine(self, request: Request) -> Response:
        code = request.query_params.get("code", "").strip()
        return _to(f"/mine/{quote(code, safe='')}") if code else self._page("mine")

    async def data(self, request: Request) -> Response:
        kept = self._export(request)
        return self._page("data", kept=kept, code_words=Markup("<code>{}</code>").format(kept["code"]))

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
        guard.check_origin(request)
        try:
            await run_in_threadpool(self.store.delete, request.path_params["code"])
        except Unknown:
            self._strange(request)
            raise
        response = self._page("deleted")
        if self._signed(request) == request.path_params["code"]:
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
            tables.figures(self.study, self._analysis()), media_type="text/csv", headers=headers
        )

    def answers(self, request: Request) -> Response:
        headers = {"Content-Disposition": 'attachment; filename="answers.csv"'}
        return self._admitted(request) or Response(
            tables.answers(self.study, self.store.path), media_type="text/csv", headers=headers
        )

    def _analysis(self) -> Analysis:
        return analyse(self.study, read_answers(self.store.path))

    async def screen(self, request: Request) -> Response:
        address = self.address or str(request.base_url)
        return self._admitted(request) or self._page(
            "screen", address=address, code=self._code_of(address), score=self.store.score()
        )

    def _code_of(self, address: str) -> Markup | None:
        """The QR code of an address, as SVG; None of one that leads nowhere but to this machine."""
        host = urlsplit(address).hostname or ""
        if host == "localhost" or host.startswith("127.") or host == "::1":
            return None
        memory = io.BytesIO()
        code = segno.make(address, error="m", micro=False)
        code.save(memory, kind="svg", xmldecl=False, svgns=False, omitsize=True, light="#ffffff", border=4)
        label = escape(self.say("screen.code", address=address))
        return Markup(memory.getvalue().decode().replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))

    async def running(self, request: Request) -> Response:
        return self._admitted(request) or JSONResponse(asdict(self.store.score()))

    def _admitted(self, request: Request) -> Response | None:
        """None for whoever has the token in a cookie. One in the address becomes that cookie, so that it stays neither
        in the address bar nor in the history; HTTPException for everybody else."""
        offered = request.query_params.get("token")
        token = request.cookies.get(self.pass_cookie, "") if offered is None else offered
        if not guard.is_token(token, self.token):
            self._strange(request)
            raise HTTPException(403, "token")
        if offered is None:
            return None
        response = _to(request.url.path)
        guard.remember(request, response, self.pass_cookie, offered)
        return response

    # ---- what all of them use

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.files:
            raise HTTPException(404, "no_page")
        return Response(self.files[name], media_type=STATIC[name])

    def say(self, key: str, **values: Any) -> Markup:
        """A text of the pages, with these values where it has their names in braces."""
        return Markup("{}").format(self.texts[key]).format(**values)

    def _page(self, name: str, status: int = 200, **values: Any) -> Response:
        text = self.pages.get_template(f"{name}.html.jinja").render(values)
        return Response(text, status, media_type="text/html")

    def _signature(self, code: str) -> str:
        return hmac.digest(self.store.secret, code.encode(), hashlib.sha256)[:16].hex()

    def _signed(self, request: Request) -> str | None:
        """The code in the cookie, where it is one that was given here."""
        code, _, signature = request.cookies.get(self.cookie, "").partition(".")
        good = re.fullmatch("[A-Za-z0-9_-]{1,64}", code) and re.fullmatch("[0-9a-f]{32}", signature)
        return code if good and hmac.compare_digest(signature, self._signature(code)) else None

    def _code(self, request: Request) -> str:
        """The participant's code, who may ask for so much and no more."""
        code = self._signed(request)
        if code is None:
            # Not remembered: whoever sends other cookies may send any number of them.
            raise Unknown("not_begun")
        if not self.pace.take(code):
            raise HTTPException(429, "fast")
        return code

    def _known(self, request: Request) -> Progress | None:
        """How far the participant is; None when nobody has begun, or all was deleted."""
        with suppress(Unknown):
            return self.store.progress(self._code(request))
        return None

    def _strange(self, request: Request) -> None:
        if not self.strangers.take(guard.caller(request)):
            raise HTTPException(429, "guesses")

    # ---- what went wrong, in a sentence

    def refused(self, request: Request, error: HTTPException) -> Response:
        # Where starlette itself refuses, it says no more than the status does.
        key = error.detail if f"error.{error.detail}" in self.texts else _REFUSALS.get(error.status_code, "failed")
        return self._said(request, error.status_code, key, error.headers)

    def unknown(self, request: Request, error: Unknown) -> Response:
        return self._said(request, 404, "not_begun" if str(error) == "not_begun" else "unknown")

    def not_now(self, request: Request, error: NotNow) -> Response:
        return self._said(request, 409, "not_now")

    def taken(self, request: Request, error: Taken) -> Response:
        return self._said(request, 409, "taken")

    def gone(self, request: Request, error: ClientDisconnect) -> Response:
        """Nobody is there any more to read it."""
        return Response(status_code=400)

    def told(self, request: Request, error: TintypeError) -> Response:
        """What the researcher has to mend, and so in English."""
        return self._answered(request, 500, f"{error}.")

    def not_kept(self, request: Request, error: sqlite3.Error) -> Response:
        return self._said(request, 503, "unkept")

    def failed(self, request: Request, error: Exception) -> Response:
        return self._said(request, 500, "failed")

    def _said(self, request: Request, status: int, key: str, headers: Mapping[str, str] | None = None) -> Response:
        return self._answered(request, status, self.texts[f"error.{key}"], headers)

    def _answered(
        self, request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            response = self._page("sentence", status, sentence=sentence)
        else:
            response = JSONResponse({"error": sentence}, status)
        response.headers.update(headers or {})
        return response


_REFUSALS = {404: "no_page", 405: "no_method"}


def _place(progress: Progress) -> str:
    """The page where a participant goes on."""
    return "/vision" if not progress.looked else "/thanks" if progress.finished else "/trial"


def _to(path: str) -> Response:
    return RedirectResponse(path, 303)


def _number(request: Request) -> int | None:
    """The number in the path; None where it is none, or longer than any of ours."""
    text = request.path_params["number"]
    return int(text) if re.fullmatch("[0-9]{1,6}", text) else None


def _answer(body: bytes) -> Answer:
    """What a page says of a trial; HTTPException when it is not that."""
    try:
        answer = json.loads(body)
        measured = {key: answer[key] for key in ("exposure_ms", "refresh_hz", "reaction_ms")}
        right = (
            type(answer["trial"]) is int
            and type(answer["left"]) is bool
            and answer["input"] in INPUTS
            and all(x is None or (type(x) in (int, float) and 0 <= x <= LONGEST) for x in measured.values())
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        right = False
    if not right:
        raise HTTPException(400, "no_answer")
    return Answer(answer["trial"], answer["left"], input=answer["input"], **measured)
