"""tintype study"""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from tintype.cli import complain, say
from tintype.cli.options import Flag, MaybeOutput, Output, between, several
from tintype.cli.progress import Progress
from tintype.errors import OptionError, not_installed

if TYPE_CHECKING:
    from tintype.study.design import Study

study = App(
    name="study",
    help=(
        "Ask people which of two pictures a computer coloured.\n\n"
        "The colorization Turing test (Zhang et al. 2016): plan a study, make it, serve its pages, report the answers."
    ),
)


@study.command
def make(
    *predictions: Annotated[Path, Parameter(name="PREDICTIONS")],
    photos: str,
    output: Output,
    models: Annotated[tuple[str, ...], several("names of models and files such as tintype.v2,mine.onnx")] = (),
    size: int = 256,
    practice: int | None = None,
    trials: int | None = None,
    catch: float | None = None,
    exposure: float = 1.0,
    assignment: Literal["one", "mixed"] = "one",
    seed: int = 0,
    title: str | None = None,
    limit: Annotated[int | None, between(1)] = None,
    consent: Path | None = None,
    researcher: str = "",
    contact: str = "",
    completion: str = "",
    participant_code: str = "",
    texts: Path | None = None,
    truth_grid: str | None = None,
) -> int:
    """Make a study: photographs, and what each method makes of their grays, in pictures whose files tell nothing.

    A participant is shown two pictures of a photograph and says which one a computer coloured. The defaults are the
    published protocol (256 pixels, one second, 10 trials of practice and 40 of the test, one method each), with more
    catch trials.

    Example: tintype study make --photos tintype-40 -o study

    Example: tintype study make --photos photographs --models tintype.v2,mine.onnx predictions/theirs -o study

    Parameters
    ----------
    predictions
        Folders of predictions of any other program: one picture per photograph, of its name. Default: none.
    photos
        Colour photographs: a folder with all below it, a .tar, or a published set, which is fetched: tintype-40, in the
        public domain or under CC0, or tintype-679.
    output
        The folder of the study.
    models
        Names of models or .onnx files, with commas between them. Default: that of tintype colorize, unless there are
        predictions.
    size
        Side of the pictures, centre squares, in pixels, 32 to 1024.
    practice
        Trials with feedback, which do not count. Default: 10, or 8 of tintype-40.
    trials
        Trials of the test, which give no feedback. Default: 40, or 32 of tintype-40.
    catch
        Share of the test that shows another photograph's colours, to find who guesses, 0 to 0.5. Default: a tenth, at
        least 8 trials, and at most a quarter of the test.
    exposure
        Seconds that two pictures are shown, 0.05 to 60.
    assignment
        one: each participant meets one method; mixed: all of them.
    seed
        The seed by which photographs, sides and methods are drawn.
    title
        What the pages are called.
    limit
        Take only the first photographs.
    consent
        A text file that the first page shows, such as your ethics board asks for.
    researcher
        Who asks; shown on the first page.
    contact
        An e-mail or web address; shown on the first page.
    completion
        The https address of a recruitment site to which the last page leads; {code} in it is the participant's code.
    participant_code
        The parameter in which that site sends the participant's code, such as PROLIFIC_PID.
    texts
        The pages in another language: a translated file of `tintype study texts`.
    truth_grid
        Let the photographs' own colours go the way of a machine's: averaged to the grid at which the models answer
        (models), or to so many places each way (such as 64), then enlarged. Default: they stay as they are.
    """
    from tintype.study import make

    with Progress() as progress:
        made = make.make(
            photos,
            models,
            predictions,
            output,
            size=size,
            practice=practice,
            trials=trials,
            catch=catch,
            exposure=exposure,
            assignment=assignment,
            seed=seed,
            title=make.TITLE if title is None else title,
            limit=limit,
            consent=consent,
            researcher=researcher,
            contact=contact,
            completion=completion,
            participant_code=participant_code,
            texts=texts,
            truth_grid=truth_grid,
            progress=partial(progress, "making pictures"),
            fetching=partial(progress, "fetching"),
        )
    say(f"{output}: {len(made.photographs)} photographs by {', '.join(made.methods)}")
    _knowing(made)
    say(f"{_catching(made.catches)}")
    say(f"tintype study serve {shlex.quote(str(output))}")
    return 0


@study.command
def serve(
    folder: Annotated[Path, Parameter(name="STUDY")],
    /,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    token: str | None = None,
    address: Annotated[tuple[str, ...], several("addresses such as https://study.example.org")] = (),
    proxy: str | None = None,
) -> int:
    """Serve a study: from consent over practice and test to thanks, and a page of results.

    Example: tintype study serve study --host 0.0.0.0

    Every answer is in STUDY/answers.sqlite before the participant is told that it arrived, whatever happens then.
    Stopped and started again, it goes on. Needs the extra `study`.

    Parameters
    ----------
    folder
        The folder of the study.
    host
        The address to listen on: 0.0.0.0 for all of this machine.
    port
        The port; 0: any that is free.
    token
        What opens the page of results. Default: a new one at every start.
    address
        The address that participants type, such as https://study.example.org, where it is not this machine's own;
        several with commas between them.
    proxy
        The address of a web server in front, such as 127.0.0.1: what it says of its clients is believed.
    """
    return _serve(folder, host, port, token, address, proxy, quiz=False)


@study.command
def quiz(
    folder: Annotated[Path, Parameter(name="STUDY")],
    /,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    token: str | None = None,
    address: Annotated[tuple[str, ...], several("addresses such as https://study.example.org")] = (),
    proxy: str | None = None,
) -> int:
    """Serve the same pages to a class or an exhibition: everybody is told right or wrong, a screen has the score.

    Example: tintype study quiz study --host 0.0.0.0

    The screen shows the address and its QR code. The answers are kept apart, in STUDY/quiz.sqlite. Needs the extra
    `study`.

    Parameters
    ----------
    folder
        The folder of the study.
    host
        The address to listen on: 0.0.0.0 for all of this machine.
    port
        The port; 0: any that is free.
    token
        What opens the screen and the page of results. Default: a new one at every start.
    address
        The address that participants type, where it is not this machine's own; several with commas between them.
    proxy
        The address of a web server in front, such as 127.0.0.1: what it says of its clients is believed.
    """
    return _serve(folder, host, port, token, address, proxy, quiz=True)


@study.command
def report(
    folder: Annotated[Path, Parameter(name="STUDY")],
    /,
    *,
    output: MaybeOutput = None,
    least_caught: float | None = None,
) -> int:
    """Report what was answered: how often each method fooled people, over people and photographs, as a page and CSV.

    Example: tintype study report study

    It can be written while the study is served. Needs the extra `study`.

    Parameters
    ----------
    folder
        The folder of the study.
    output
        The page; the figures go beside it as .csv. Default: STUDY/report.html.
    least_caught
        Share of the catch trials: whoever catches less is excluded. Default: what a guesser reaches in 5 % at most.
    """
    from tintype.study import report

    say(", ".join(map(str, report.write(folder, output, least_caught))))
    return 0


@study.command
def answers(
    folder: Annotated[Path, Parameter(name="STUDY")],
    /,
    *,
    output: MaybeOutput = None,
    quiz: Flag = False,
) -> int:
    """Write every single answer as CSV, for analyses of your own.

    Example: tintype study answers study -o answers.csv

    It can be written while the study is served.

    Parameters
    ----------
    folder
        The folder of the study.
    output
        The file. Default: STUDY/answers.csv, or STUDY/quiz.csv.
    quiz
        The answers of the quiz.
    """
    from tintype.study import report, tables
    from tintype.study.design import read_study

    source = folder / (report.QUIZ if quiz else report.ANSWERS)
    output = output or source.with_suffix(".csv")
    tables.write_answers(read_study(folder, check=True), source, output)
    say(output)
    return 0


@study.command
def texts(*, output: MaybeOutput = None) -> int:
    """Print all texts of the pages in English, as the file that is translated for `tintype study make --texts`.

    Example: tintype study texts -o german.toml

    Parameters
    ----------
    output
        A file to write them to.
    """
    from tintype.files import whole_file
    from tintype.study.texts import template

    if output is None:
        for line in template().splitlines():
            say(line)
        return 0
    with whole_file(output) as file:
        file.write(template().encode())
    say(output)
    return 0


@study.command
def power(
    *,
    width: float = 10,
    rate: float = 30,
    people: int | None = None,
    photographs: int | None = None,
    trials: int = 32,
    methods: int = 1,
    spread_people: float = 0.6,
    spread_photographs: float = 0.6,
) -> int:
    """Plan a study: how many people and photographs give a 95 % interval of a given width.

    Example: tintype study power --width 8

    Example: tintype study power --people 40 --photographs 200

    Parameters
    ----------
    width
        The interval from end to end, in percentage points.
    rate
        The fooling rate that is expected, in percent.
    people
        People for each method: with --photographs, the width that they give is printed.
    photographs
        Photographs of the study: the people needed for so many are printed.
    trials
        Trials of the test for each person, without practice and catch trials.
    methods
        Methods that are compared, each by people of its own.
    spread_people
        How people differ: the standard deviation of their log-odds.
    spread_photographs
        How photographs differ: the standard deviation of their log-odds.
    """
    from tintype.study.power import Plan, people_for

    plan = Plan(rate / 100, trials, spread_people, spread_photographs)
    if people is not None and photographs is not None:
        low, high = plan.interval(people, photographs)
        say(
            f"{people} people and {photographs} photographs, {trials} trials each, at a rate of {rate:g} %: "
            f"an interval from {100 * low:.1f} to {100 * high:.1f} %, {100 * (high - low):.1f} points wide"
        )
        return 0
    if people is not None:
        raise OptionError("--people needs --photographs: give both for the width, or neither for a table")
    say(f"For a rate of {rate:g} % and an interval {width:g} points wide, with {trials} trials of the test each:")
    say(f"{'photographs':>11}  {'people' if methods == 1 else f'people for each of {methods} methods, and in all'}")
    counts = [photographs] if photographs is not None else [n for n in (50, 100, 200, 400, 800) if n >= trials]
    for count in counts:
        needed = people_for(plan, width / 100, count)
        in_all = "" if methods == 1 or needed is None else f", {needed * methods} in all"
        people_needed = "not with any number: more photographs are needed" if needed is None else f"{needed}{in_all}"
        say(f"{count:>11}  {people_needed}")
    return 0


def _knowing(made: Study) -> None:
    """Warn of photographs that a model was trained on, and of methods of which nobody can tell."""
    for label, known in made.known.items():
        if known.alike:
            complain(
                f"warning: {label} seems to know {len(known.alike)} of the {len(made.photographs)} photographs, such "
                f"as {known.alike[0]}, from its training: leave them out, or it is judged too well"
            )
    if untold := [label for label in made.methods if label not in made.known]:
        say(f"Whether {', '.join(untold)} learned from these photographs is not known: there is no list of its own")


def _catching(catches: int) -> str:
    """What so many catch trials are worth."""
    from tintype.study import attention

    if not catches:
        return "No catch trials: nobody who guesses is found"
    needed = attention.needed(catches)
    sentence = (
        f"{catches} catch trials: who catches fewer than {needed} is excluded, "
        f"and a guesser passes with {100 * attention.tail(needed, catches):.1f} %"
    )
    if catches < attention.LEAST:
        complain(f"warning: {catches} catch trials are too few to find who guesses")
    return sentence


def _serve(
    folder: Path, host: str, port: int, token: str | None, addresses: tuple[str, ...], proxy: str | None, quiz: bool
) -> int:
    try:
        from tintype.study import server
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn", "jinja2", "segno"):
            raise
        raise not_installed("A study", error.name, "study") from None

    def announce(address: str, token: str) -> None:
        say(f"{'Quiz' if quiz else 'Study'}:   {address}")
        if quiz:
            say(f"Screen:  {address}screen?token={token}")
            if host in ("127.0.0.1", "localhost", "::1") and not addresses:
                say("Only this computer reaches that address: for others, add --host 0.0.0.0")
        say(f"Results: {address}results?token={token}")
        say("Ctrl-C stops; the same command continues from there.")

    server.serve(
        folder,
        host=host,
        port=port,
        token=token,
        address=",".join(addresses) or None,
        proxy=proxy,
        quiz=quiz,
        announce=announce,
    )
    return 0
