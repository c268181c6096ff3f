// The colours of another photograph, as hints.

import { address, ask } from "../api.js";
import { element } from "./element.js";
import { keep, read } from "./history.js";

const WAYS = { regions: "Colours of like regions", palette: "Palette of the whole" };

/** {element, render()}. */
export function reference(work) {
  const file = element("input", {
    type: "file", accept: "image/*", id: "reference-file", hidden: true, "aria-label": "Reference photograph", onchange: chosen,
  });
  const way = element(
    "select",
    { id: "reference-way" },
    ...Object.entries(WAYS).map(([value, label]) => element("option", { value }, label)),
  );
  const choose = element("button", { type: "button", className: "quiet", onclick: () => file.click() }, "Choose a photograph");
  const said = element("p", { className: "small", role: "status" });
  const shown = element(
    "section",
    { className: "reference", "aria-labelledby": "reference-title", ondragover: over, ondragleave: leave, ondrop: dropped },
    element("h2", { id: "reference-title" }, "Reference photograph"),
    element("p", { className: "small" }, "Takes the colours of another photograph: choose one, or drop it here."),
    element("div", { className: "row" }, element("label", { for: "reference-way" }, "Take"), way),
    element("div", { className: "buttons" }, choose, file),
    said,
  );

  work.addEventListener("photo", () => (said.textContent = ""));

  const brings = (event) => [...event.dataTransfer.types].includes("Files");

  function over(event) {
    if (brings(event)) shown.classList.add("over");
  }

  function leave({ relatedTarget }) {
    if (!shown.contains(relatedTarget)) shown.classList.remove("over");
  }

  function dropped(event) {
    shown.classList.remove("over");
    if (!brings(event)) return;
    event.preventDefault(); // so that it is not added to the photographs
    take(event.dataTransfer.files[0]);
  }

  function chosen() {
    const [photograph] = file.files;
    if (photograph) take(photograph);
    file.value = ""; // the same one may be chosen again
  }

  async function take(photograph) {
    const { photo } = work;
    if (!photo || !photograph) return;
    said.textContent = `Looking at ${photograph.name}…`;
    const body = new FormData();
    body.append("reference", photograph, photograph.name);
    body.append("way", way.value);
    try {
      const { hints } = await (await ask(address(photo.id, "reference"), { method: "POST", body })).json();
      if (work.photo?.id !== photo.id) return;
      const kept = `tintype.reference.${photo.id}`;
      const before = new Set(read(kept) ?? []);
      // Those of the reference before go; what the user gave lies on top.
      const own = work.hints.filter((hint) => !before.has(JSON.stringify(hint)));
      const took = await work.commit(`the colours of ${photograph.name}`, { hints: [...hints, ...own] });
      keep(kept, work.hints.slice(0, hints.length).map((hint) => JSON.stringify(hint)));
      said.textContent = took ? `${hints.length} hints from ${photograph.name}.` : "";
    } catch (error) {
      said.textContent = work.failed(error, false);
    }
  }

  function render() {
    shown.hidden = !work.photo?.takes_hints;
  }

  return { element: shown, render };
}
