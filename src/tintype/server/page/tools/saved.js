// The hints of a photograph as a file, the one that `tintype colorize --hints` takes.

import { address, ask } from "../api.js";
import { element } from "./element.js";
import { strokes } from "./strokes.js";

/** {element, render()}. pins(shown): show the pins, or do not. */
export function saved(work, { pins, tell }) {
  const count = element("p", { className: "small" });
  const file = element("input", {
    type: "file", accept: ".json,application/json", hidden: true, id: "hints-file", "aria-label": "File of hints", onchange: chosen,
  });
  const save = element("button", { type: "button", className: "quiet", onclick: download }, "Save");
  const load = element("button", { type: "button", className: "quiet", onclick: () => file.click() }, "Load");
  const clear = element("button", { type: "button", className: "quiet", onclick: () => work.commit("removal of all hints", { hints: [] }) }, "Remove all");
  const shows = element("input", { type: "checkbox", checked: true, onchange: () => pins(shows.checked) });
  const said = element("p", { className: "small", role: "status" });
  const shown = element(
    "section",
    { className: "saved", "aria-labelledby": "saved-title" },
    element("h2", { id: "saved-title" }, "Hints"),
    count,
    element("div", { className: "buttons" }, save, load, clear, file),
    element("label", {}, shows, "Show the pins"),
    said,
  );

  work.addEventListener("photo", () => (said.textContent = ""));

  function download() {
    const lines = work.hints.map(({ x, y, color, radius }) => JSON.stringify({ x, y, color, radius }));
    const url = URL.createObjectURL(new Blob([`[\n${lines.join(",\n")}\n]\n`], { type: "application/json" }));
    element("a", { href: url, download: `${work.photo.name.replace(/\.[^.]*$/, "")}.hints.json` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    said.textContent = "";
  }

  async function chosen() {
    const [chosenFile] = file.files;
    const { photo } = work;
    file.value = "";
    if (!chosenFile || !photo) return;
    try {
      // As it is: the server says what is wrong with it.
      const response = await ask(address(photo.id, "hints"), {
        method: "PUT", body: await chosenFile.arrayBuffer(), headers: { "Content-Type": "application/json" },
      });
      const { hints } = await response.json();
      if (work.photo?.id !== photo.id) return;
      work.commit(`hints from ${chosenFile.name}`, { hints });
      said.textContent = "";
      tell(`${hints.length} hints from ${chosenFile.name}.`);
    } catch (error) {
      said.textContent = work.failed(error, false);
    }
  }

  function render() {
    shown.hidden = !work.photo?.takes_hints;
    const { length } = strokes(work.hints);
    count.textContent = length
      ? `${length} ${length === 1 ? "place has" : "places have"} a colour of yours.`
      : "Click a place of the photograph to give it a colour.";
    save.disabled = clear.disabled = !length;
  }

  return { element: shown, render };
}
