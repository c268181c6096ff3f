"""Takes the pictures of docs/study.md: `PYTHONPATH=tests:. python tests/study/screenshots.py STUDY FOLDER`.

STUDY has four trials, of which one is for practice.
"""

import io
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from browsing import chromium, show
from simulated_answers import answer_all
from study.test_browser import TOKEN, at, find, fresh, go, phase, served, to_the_answer, to_the_trials, told, until
from tintype.study import vision
from tintype.study.design import read_study
from written_studies import write_study

RECRUITING = {
    "consent": "# Purpose\n\nWe would like to know how real the colours look that computers give to photographs.\n\n"
    "# Risks and benefits\n\n- There are no known risks.\n- The site that invited you pays you for your time.",
    "researcher": "Dr. A. Example, Institute of Vision",
    "contact": "vision@university.example",
    "participant_code": "PROLIFIC_PID",
    "completion": "https://recruitment.example/complete?cc=C1A2",
}
"""What an ethics board and a recruitment site may ask for."""


def take(browser, study, folder: Path, tmp_path: Path) -> None:
    """Every page of the study, in FOLDER/study-NAME.png."""

    def shot(name: str, width: int = 760, height: int = 0, scheme: str = "light") -> None:
        show(browser, width, height or 500, scheme)
        if not height:
            show(browser, width, browser.execute_script("return document.documentElement.scrollHeight"), scheme)
        time.sleep(0.3)
        picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
        for colours in (128, 64, 32):
            file = io.BytesIO()
            picture.quantize(colours, dither=Image.Dither.NONE).save(file, "png", optimize=True)
            if len(file.getvalue()) < 60_000:
                break
        Path(folder, f"study-{name}.png").write_bytes(file.getvalue())

    def seen(name: str, phase: str = "shown", **looks) -> None:
        change = "[stage.dataset.phase, said.textContent] = arguments"
        browser.execute_script(change, phase, "")
        shot(name, **{"height": 540} | looks)
        browser.execute_script(change, "asked", "Which one did the computer colour?")

    with served(study, tmp_path / "answers.sqlite") as browser.home:
        fresh(browser)
        shot("welcome")
        shot("welcome-dark", scheme="dark")
        find(browser, "form .main").click()
        at(browser, "/vision")
        for number, plate in enumerate(vision.draw(study.seed)[:2]):
            find(browser, f"#plate{number}").send_keys(str(plate.digit))
        shot("vision")
        find(browser, "form .main").click()
        at(browser, "/trial")
        until(browser, lambda page: find(page, "#go").is_displayed())
        shot("start", height=540)
        to_the_answer(browser, 0)
        seen("cross", "cross")
        seen("pair")
        seen("phone", width=360, height=640)
        shot("question", height=540)
        find(browser, "#left").click()
        assert told(browser)
        shot("feedback", height=540)
        go(browser)
        until(browser, lambda page: find(page, "#go").is_displayed())
        shot("practised", height=540)
        browser.get(f"{browser.home}/thanks")
        shot("stopped")
        find(browser, "a.main").click()
        for number in range(1, study.trials + 1):
            to_the_answer(browser, number)
            find(browser, "#right").click()
        at(browser, "/thanks")
        browser.get(f"{browser.home}/thanks?score")
        shot("thanks")
        find(browser, "main p:last-child a").click()
        shot("data")
        browser.get(f"{browser.home}/mine")
        shot("mine")
        browser.get(f"{browser.home}/results?token={TOKEN}")
        shot("results")
    asked = write_study(tmp_path / "asked", exposure=1, practice=10, trials=40, title=study.title, **RECRUITING)
    with served(asked, tmp_path / "asked.sqlite") as browser.home:
        fresh(browser)
        browser.get(f"{browser.home}/?PROLIFIC_PID=5f3a9c")
        shot("consent")
        shot("consent-phone", width=360, height=640)
    simulated = write_study(
        tmp_path / "simulated", photographs=200, practice=10, trials=40, catch=0.2, exposure=1, title="Simulated people"
    )
    few = write_study(
        tmp_path / "few", photographs=60, practice=2, trials=20, catch=0.25, exposure=1, title="One person"
    )
    for name, made, people in (("report", simulated, 80), ("report-few", few, 1)):
        answers = tmp_path / f"{name}.sqlite"
        answer_all(answers, made, {"ours": 0.32, "theirs": 0.22}, people)
        with served(made, answers) as browser.home:
            fresh(browser)
            browser.get(f"{browser.home}/results?token={TOKEN}")
            browser.get(f"{browser.home}/results/report")
            shot(name, width=1100, height=900)
    with served(study, tmp_path / "quiz.sqlite", quiz=True, address="http://192.168.1.17:8765/") as browser.home:
        fresh(browser)
        to_the_trials(browser)
        for number in range(study.practice + study.trials):
            to_the_answer(browser, number)
            find(browser, "#left").click()
            phase(browser, "told")
            if number == 1:
                shot("quiz", height=540)
            go(browser)
        browser.get(f"{browser.home}/screen?token={TOKEN}")
        shot("screen", width=1000, height=760)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name, chromium(Path(name) / "profile") as browser:
        take(browser, read_study(sys.argv[1]), Path(sys.argv[2]), Path(name))
