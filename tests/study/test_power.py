"""The width that a plan promises, against simulated studies that are analysed like real ones."""

from pathlib import Path

import numpy as np
import pytest

from running import errors_of, tintype
from simulated_answers import fooled, odds
from tintype.study.intervals import share
from tintype.study.power import Plan, people_for


def widths(random, plan: Plan, people: int, photographs: int, studies: int) -> list[float]:
    """Of the intervals of simulated studies, whose photographs are dealt evenly."""
    level = odds(plan.rate, plan.spread_people)  # which takes one spread for both
    person = np.repeat(np.arange(people), plan.trials)
    found = []
    for _ in range(studies):
        decks = [random.permutation(photographs) for _ in range(-(-len(person) // photographs))]
        photograph = np.concatenate(decks)[: len(person)]
        effects = (
            random.normal(0, plan.spread_people, people)[person],
            random.normal(0, plan.spread_photographs, photographs)[photograph],
        )
        said = share(fooled(random, level, *effects), person, photograph)
        found.append(said.high - said.low)
    return found


@pytest.mark.parametrize(
    ("people", "photographs", "rate", "spread"), [(40, 200, 0.323, 0.6), (12, 60, 0.2, 0.6), (80, 50, 0.4, 1.0)]
)
def test_the_promised_width_is_that_of_simulated_studies(people, photographs, rate, spread):
    plan = Plan(rate, 36, spread, spread)
    found = widths(np.random.default_rng(3), plan, people, photographs, 200)
    assert plan.width(people, photographs) == pytest.approx(np.mean(found), rel=0.05)


def test_the_parts_are_the_variance_of_an_answer():
    plan = Plan(0.3, 32, 0.9, 0.4)
    assert sum(plan.parts) == pytest.approx(0.21)
    assert plan.parts[0] > plan.parts[1] > 0
    # Simulated: the variance of people's own rates over all photographs.
    random = np.random.default_rng(0)
    low, high = -5.0, 5.0
    effects = random.normal(0, 0.9, (1500, 1)), random.normal(0, 0.4, (1, 700))
    for _ in range(40):
        level = (low + high) / 2
        chances = 1 / (1 + np.exp(-(level + effects[0] + effects[1])))
        low, high = (level, high) if chances.mean() < 0.3 else (low, level)
    assert plan.parts[0] == pytest.approx(chances.mean(axis=1).var(), rel=0.1)
    assert plan.parts[1] == pytest.approx(chances.mean(axis=0).var(), rel=0.1)


def test_the_fewest_people_are_found():
    plan = Plan(0.3, 32)
    people = people_for(plan, 0.1, 200)
    assert plan.width(people, 200) <= 0.1 < plan.width(people - 1, 200)
    assert people_for(plan, 0.1, 400) < people < people_for(plan, 0.1, 50)


def test_what_few_photographs_cannot_give_no_number_of_people_gives():
    assert people_for(Plan(0.3, 32), 0.03, 50) is None


def test_people_who_are_all_alike_answer_like_coins():
    low, high = Plan(0.5, 100, 0, 0).interval(10_000, 10_000)
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / 1000, rel=1e-3)


def test_the_table_of_the_documentation_is_what_the_command_says():
    page = (Path(__file__).parents[2] / "docs" / "study.md").read_text("utf-8")
    table = page.partition("| photographs | people for 10 points")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert [row[0] for row in rows] == ["50", "100", "200", "400", "800"]
    for photographs, *cells in rows:
        for width, cell in zip((0.1, 0.08, 0.06), cells, strict=True):
            people = people_for(Plan(0.3, 32), width, int(photographs))
            assert cell == ("no number is enough" if people is None else str(people))


def said(*words) -> str:
    return tintype("study", "power", *words, check=0).stdout.decode()


def test_the_command_says_width_and_numbers():
    assert "9.3 points wide" in said("--people", "40", "--photographs", "200", "--trials", "36", "--rate", "32.3")
    people = people_for(Plan(0.3, 32), 0.08, 200)
    assert f"200  {people}, {2 * people} in all" in said("--width", "8", "--methods", "2")
    assert "not with any number" in said("--width", "2", "--photographs", "50")


@pytest.mark.parametrize(
    "words",
    [("--width", 0), ("--rate", 100), ("--trials", 0), ("--people", 40), ("--people", 4, "--photographs", 200),
     ("--photographs", 20), ("--spread-people", -1), ("--rate", "nan")],
)  # fmt: skip
def test_plans_that_cannot_be_are_refused(words):
    [line] = errors_of(tintype("study", "power", *map(str, words), check=2))
    assert words[0] in line
