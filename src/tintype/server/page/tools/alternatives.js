// Other colourings of the whole picture, which differ where the model doubts.

import { address, json, picture } from "../api.js";
import { element } from "./element.js";

const COUNT = 4;
const SIDE = 320; // pixels of a thumbnail's long side; styles show it at half of that

/** {element, render()}. */
export function alternatives(work) {
  let found = null; // {id, list: [hints], before: what was before one was chosen}
  let asking = null;
  const ask = element("button", { type: "button", className: "quiet", "aria-label": "Show other colourings", onclick: () => look() }, "Show");
  const said = element("p", { className: "small", role: "status" });
  const list = element("div", { className: "colourings", role: "group", "aria-labelledby": "alternatives-title" });
  const shown = element(
    "section",
    { className: "alternatives", "aria-labelledby": "alternatives-title" },
    element("header", {}, element("h2", { id: "alternatives-title" }, "Other colourings"), ask),
    said,
    list,
  );

  async function look() {
    asking?.abort();
    const { signal } = (asking = new AbortController());
    const { photo } = work;
    found = null;
    list.replaceChildren();
    said.textContent = "Looking for other colourings…";
    try {
      const answer = await json(address(photo.id, "alternatives", { count: COUNT }), { signal });
      const pictures = [];
      // One after the other: they change with the state of the photograph, and the first one finds all of them.
      for (let number = 1; number <= answer.alternatives.length; number++) {
        const at = address(photo.id, `alternatives/${number}/preview`, { size: SIDE, count: COUNT, version: photo.version });
        pictures.push(await picture(at, { urgency: 1, signal }));
      }
      if (signal.aborted) return pictures.forEach((bitmap) => bitmap.close());
      // Of what it was meanwhile changed to they are not.
      if (work.photo.version !== photo.version) return look();
      found = { id: photo.id, hints: answer.alternatives.map(({ hints }) => hints) };
      said.textContent = found.hints.length ? "" : "The model is sure of its colours: there are no others.";
      list.replaceChildren(...pictures.map(thumbnail));
            render();
    } catch (error) {
      if (signal.aborted) return;
      said.textContent = error.message;
    }
  }

  function thumbnail(bitmap, number) {
    const canvas = element("canvas", { width: bitmap.width, height: bitmap.height, "aria-hidden": "true" });
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    return element(
      "button",
      {
        type: "button", className: "colouring", "aria-label": `Colouring ${number + 1} of ${found.hints.length}`,
        onclick: () => work.commit(`colouring ${number + 1}`, { hints: found.hints[number] }),
      },
      canvas,
    );
  }

  function render() {
    const { photo } = work;
    shown.hidden = !photo?.takes_hints;
    if (found && found.id !== photo?.id) {
      asking?.abort();
      found = null;
      list.replaceChildren();
      said.textContent = "";
    }
    const now = JSON.stringify(work.hints);
    [...list.children].forEach((button, i) =>
      button.setAttribute("aria-pressed", String(JSON.stringify(found?.hints[i]) === now)),
    );
  }

  return { element: shown, render };
}
