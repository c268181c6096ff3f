// The colours that are possible at a lightness, to choose from: by pointer, by arrow keys, or as text.

import { fit, held, hex, parsed, slice, words } from "./colour.js";
import { element } from "./element.js";

const SIDE = 168; // pixels of the picture; styles show it larger or smaller
const STEP = 2; // a*b* units of an arrow key

/**
 * A picker: {element, show(lightness, color)}.
 *
 * choose(color, done): called with `#rrggbb` when another colour is chosen; `done` is false while the pointer still
 * moves.
 */
export function picker(choose) {
  let [lightness, a, b] = [50, 0, 0];
  let plane = null;
  const canvas = element("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" });
  const mark = element("span", { className: "mark", "aria-hidden": "true" });
  const field = element(
    "div",
    {
      className: "plane",
      role: "slider",
      tabIndex: 0,
      "aria-label": "Possible colours here. Left and right: green to red. Up and down: yellow to blue",
      "aria-valuemin": "-128",
      "aria-valuemax": "127",
      onkeydown: key,
      onpointerdown: press,
    },
    canvas,
    mark,
  );
  const text = element("input", {
    type: "text", className: "code", spellcheck: false, autocomplete: "off", maxLength: 7,
    "aria-label": "Colour as #rrggbb", "aria-describedby": "picker-said",
    onchange: typed, onkeydown: (event) => event.key === "Enter" && typed(),
  });
  const said = element("p", { id: "picker-said", className: "said", role: "status" });

  function draw() {
    const [x, y] = [(a - plane.left) / plane.unit / SIDE, (plane.top - b) / plane.unit / SIDE];
    const color = hex(lightness, a, b);
    mark.style.left = `${100 * x}%`;
    mark.style.top = `${100 * y}%`;
    mark.style.background = color;
    text.value = color;
    field.setAttribute("aria-valuenow", Math.round(a));
    field.setAttribute("aria-valuetext", `${color}, ${words([lightness, a, b])}`);
    return color;
  }

  function pick(newA, newB, done) {
    [a, b] = fit(lightness, newA, newB);
    said.textContent = "";
    choose(draw(), done);
  }

  function press(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    field.focus({ preventScroll: true });
    field.setPointerCapture(event.pointerId);
    const at = (event, done) => {
      const box = canvas.getBoundingClientRect();
      const unit = (plane.unit * SIDE) / box.width;
      pick(plane.left + unit * (event.clientX - box.left), plane.top - unit * (event.clientY - box.top), done);
    };
    const moved = (event) => at(event, false);
    const ended = (event) => {
      for (const [name, listener] of Object.entries(listeners)) field.removeEventListener(name, listener);
      at(event, true);
    };
    const listeners = { pointermove: moved, pointerup: ended, pointercancel: ended };
    for (const [name, listener] of Object.entries(listeners)) field.addEventListener(name, listener);
    moved(event);
  }

  function key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const step = event.shiftKey ? 5 * STEP : STEP;
    pick(a + step * way[0], b + step * way[1], true);
  }

  function typed() {
    const lab = parsed(text.value);
    if (text.value === hex(lightness, a, b)) return;
    if (!lab) {
      said.textContent = `Write a colour as #rrggbb, not ${text.value || "nothing"}.`;
      return;
    }
    const asked = text.value.trim().toLowerCase().replace(/^#?/, "#");
    const possible = held(lightness, lab[1], lab[2]);
    pick(lab[1], lab[2], true);
    if (text.value !== asked) {
      said.textContent = possible
        ? `At the lightness of this place, ${asked} is ${text.value}.`
        : `${asked} is not possible at this lightness: the nearest colour is ${text.value}.`;
    }
  }

  /** Show what is possible at a lightness, and `#rrggbb` as the colour that is chosen. */
  function show(newLightness, color) {
    if (plane === null || newLightness !== lightness) {
      lightness = newLightness;
      plane = slice(lightness, SIDE);
      canvas.getContext("2d").putImageData(new ImageData(plane.pixels, SIDE), 0, 0);
    }
    // What was picked here is not rounded to the steps of its code.
    if (color !== hex(lightness, a, b)) {
      [a, b] = fit(lightness, ...parsed(color).slice(1));
      said.textContent = "";
    }
    draw();
  }

  return { element: element("div", { className: "picker" }, field, element("div", { className: "coded" }, text, said)), show };
}
