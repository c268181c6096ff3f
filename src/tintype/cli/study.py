"""tintype study"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from tintype.cli import say
from tintype.errors import OptionError, not_installed

study = App(
    name="study",
    help=(
        "Ask people: which of two pictures has the machine's colours?\n\n"
        "The colorization Turing test (Zhang et al. 2016): make a study, serve it as pages, report what was answered."
    ),
)


@study.command
def make(
    *predictions: Annotated[Path, Parameter(name="PREDICTIONS")],
    photos: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    models: str | None = None,
    size: int = 256,
    practice: int = 10,
    trials: int = 40,
    catch: float = 0.1,
    exposure: float = 1.0,
    assignment: Literal["one", "mixed"] = "one",
    seed: int = 0,
    title: str | None = None,
    limit: int | None = None,
) -> int:
    """Make a study: photographs, and what each method makes of their grays, in pictures whose files tell nothing.

    A participant is shown two pictures of a photograph and says which one has the machine's colours. The defaults are
    the published protocol: 256 pixels, one second, 10 trials of practice and 40 of the test, one method each.

    Example: tintype study make --photos photographs -o study

    Example: tintype study make --photos photographs --models tintype.v2,mine.onnx predictions/theirs -o study

    Parameters
    ----------
    predictions
        Folders of predictions of any other program: one picture per photograph, of its name. Default: none.
    photos
        Colour photographs: a folder with all below it, a .tar, or tintype-679, the published set.
    output
        The folder of the study.
    models
        Names of models or .onnx files, with commas between them. Default: tintype.v2, unless there are predictions.
    size
        Side of the pictures, centre squares, in pixels.
    practice
        Trials with feedback, which do not count.
    trials
        Trials of the test, which give no feedback.
    catch
        Share of the test that shows another photograph's colours, to find the inattentive.
    exposure
        Seconds that two pictures are shown.
    assignment
        one: each participant meets one method; mixed: all of them.
    seed
        The chance by which photographs, sides and methods are drawn.
    title
        What the pages are called.
    limit
        Take only the first photographs.
    """
    if limit is not None and limit < 1:
        raise OptionError(f"--limit must be at least 1, not {limit}")
    from rich.console import Console
    from rich.progress import Progress

    from tintype.study import make

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("making pictures")
        made = make.make(
            photos,
            [] if models is None else [name for name in models.split(",") if name],
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
            progress=lambda done, count: bars.update(bar, completed=done, total=count),
        )
    say(f"{output}: {len(made.photographs)} photographs by {', '.join(made.methods)}")
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
) -> int:
    """Serve a study: from consent over practice and test to thanks, and a page of results.

    Example: tintype study serve study --host 0.0.0.0

    Every answer is in STUDY/answers.sqlite before the participant is told that it arrived, whatever happens then.
    Stopped and started again, it goes on. Needs starlette, uvicorn and jinja2: pip install ".[study]"

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
    """
    return _serve(folder, host, port, token, quiz=False)


@study.command
def quiz(
    folder: Annotated[Path, Parameter(name="STUDY")],
    /,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    token: str | None = None,
) -> int:
    """Serve the same pages to a class or an exhibition: every answer is told right or wrong, a screen has the score.

    Example: tintype study quiz study --host 0.0.0.0

    The answers lie apart, in STUDY/quiz.sqlite. Needs starlette, uvicorn and jinja2: pip install ".[study]"

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
    """
    return _serve(folder, host, port, token, quiz=True)


@study.command
def report(
    folder: Annotated[Path, Parameter(name="STUDY")],
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    least_caught: float = 0.5,
) -> int:
    """Report what was answered: how often each method fooled people, over people and photographs, as a page and CSV.

    Example: tintype study report study

    It may be asked for while the study is served. Needs jinja2: pip install ".[study]"

    Parameters
    ----------
    folder
        The folder of the study.
    output
        The page; the figures go beside it as .csv. Default: STUDY/report.html.
    least_caught
        Share of the catch trials: whoever catches less is excluded.
    """
    from tintype.study import report

    say(", ".join(map(str, report.write(folder, output, least_caught))))
    return 0


def _serve(folder: Path, host: str, port: int, token: str | None, quiz: bool) -> int:
    try:
        from tintype.study import server
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn", "jinja2"):
            raise
        raise not_installed("A study", error.name, "study") from None

    def announce(address: str, token: str) -> None:
        say(f"{'Quiz' if quiz else 'Study'}:   {address}")
        if quiz:
            say(f"Screen:  {address}screen?token={token}")
        say(f"Results: {address}results?token={token}")
        say("Ctrl-C stops; the same command goes on from there.")

    server.serve(folder, host=host, port=port, token=token, quiz=quiz, announce=announce)
    return 0
