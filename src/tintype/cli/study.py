"""tintype study"""

from __future__ import annotations

from cyclopts import App

study = App(
    name="study",
    help=(
        "Ask people: which of two pictures has the machine's colours?\n\n"
        "The colorization Turing test (Zhang et al. 2016): make a study, serve it as pages, report what was answered."
    ),
)
