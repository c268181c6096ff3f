// The tools: what a click or a drag on the picture does, undo and redo, and the doubts.

import { element, icon } from "./element.js";

/** {element, render(state)}. run: {pick, brush, eraser, undo, redo, doubts, next}, what each button does. */
export function toolbar(run) {
  const labels = {
    pick: ["Pick a place", "P"],
    brush: ["Brush", "B"],
    eraser: ["Eraser to gray", "E"],
    undo: ["Undo", "Ctrl + Z"],
    redo: ["Redo", "Ctrl + Shift + Z"],
    doubts: ["Doubts", "U"],
    next: ["Next doubt", "N"],
  };
  const buttons = Object.fromEntries(
    Object.entries(labels).map(([name, [label, key]]) => [
      name,
      element(
        "button",
        { type: "button", className: "tool", title: `${label} (${key})`, "aria-label": label, onclick: run[name] },
        icon(name),
        element("span", { "aria-hidden": "true" }, label.split(" ")[0]),
      ),
    ]),
  );
  const shown = element("div", { id: "modes", role: "group", "aria-label": "Tools" }, ...Object.values(buttons));

  /** photo: that is shown, or null. mode: "pick", "brush" or "eraser". undoes, redoes: what those buttons would do. */
  function render({ photo, mode, undoes, redoes, doubts }) {
    shown.hidden = !photo;
    for (const name of ["pick", "brush", "eraser"]) {
      buttons[name].setAttribute("aria-pressed", String(name === mode));
      buttons[name].disabled = !photo?.takes_hints;
    }
    for (const [name, what] of Object.entries({ undo: undoes, redo: redoes })) {
      const [label, key] = labels[name];
      buttons[name].disabled = what === undefined;
      buttons[name].title = `${what === undefined ? label : `${label}: ${what}`} (${key})`;
    }
    buttons.doubts.setAttribute("aria-pressed", String(doubts));
  }

  return { element: shown, render };
}
