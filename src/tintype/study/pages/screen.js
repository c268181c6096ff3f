// The score of all, fetched again every other second.
"use strict";
const field = (id) => document.getElementById(id);

async function renew() {
  try {
    const answer = await fetch("/screen.json");
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error);
    const share = said.answers ? said.fooled / said.answers : 0;
    field("fooled").textContent = said.answers ? `${Math.round(100 * share)} %` : "–";
    field("people").textContent = said.people;
    field("answers").textContent = said.answers;
    field("bar").setAttribute("width", 200 * share);
    field("said").textContent = "";
  } catch {
    field("said").textContent = field("said").dataset.lost;
  }
  setTimeout(renew, 2000);
}
renew();
