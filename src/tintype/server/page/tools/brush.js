// The brush and the eraser: a stroke over a larger place, by pointer or with the crosshair.

import { drawn, element } from "./element.js";
import { keep, read } from "./history.js";
import { recent } from "./panel.js";
import { cover } from "./strokes.js";

const KEPT = "tintype.brush";
const SIZES = [0.004, 0.03, 0.2]; // radius to the long side of the photograph: smallest, at first, and largest
const GRAY = "#808080";
const INKS = 6; // recent colours offered

/**
 * {tool, options, render(mode), place(), cancel(), grow(factor)}.
 *
 * tool: what the viewer calls while the brush is in hand. options: the element with its colour and size. mode: "brush",
 * "eraser", or another tool. stroke(discs, color): one is complete. cross: the crosshair. tell(sentence).
 */
export function brush(viewer, { stroke, cross, tell }) {
  let mode = "pick";
  let ink = null; // null: the colour is chosen after the stroke
  let share = read(KEPT) ?? SIZES[1];
  let way = null; // [{x, y}] of the stroke that is being drawn
  let over = null; // where the pointer is
  let keyed = false; // whether the stroke is drawn with keys
  const line = drawn("polyline", { class: "way" });
  const ring = ["under", "over"].map((name) => drawn("circle", { class: name }));
  viewer.layer.append(drawn("svg", { class: "brush", "aria-hidden": "true" }, line, ...ring));

  const inks = element("div", { className: "inks", role: "group", "aria-label": "Colour of the brush" });
  const size = element("input", {
    type: "range", min: 0, max: 100, step: 1, "aria-label": "Size of the brush",
    oninput: () => resize(SIZES[0] * (SIZES[2] / SIZES[0]) ** (size.value / 100)),
  });
  const options = element(
    "div",
    { className: "brushing", hidden: true, role: "group", "aria-label": "Brush" },
    inks,
    element("label", {}, "Size", size),
  );

  const radius = () => Math.max(1, Math.round(10 * share * Math.max(...(viewer.size ?? [1, 1]))) / 10);
  const color = () => (mode === "eraser" ? GRAY : ink);

  function resize(newShare) {
    share = Math.min(SIZES[2], Math.max(SIZES[0], newShare));
    keep(KEPT, share);
    render();
  }

  function swatch(code) {
    const patch = element("span", { className: "patch" });
    if (code) patch.style.background = code;
    return element(
      "button",
      {
        type: "button", className: code ? "swatch" : "ask", title: code ?? "", "aria-label": code ?? "Choose after the stroke",
        "aria-pressed": String(ink === code),
        onclick: () => {
          ink = code;
          render();
        },
      },
      code ? patch : "Choose after",
    );
  }

  function render(newMode = mode) {
    mode = newMode;
    options.hidden = mode !== "brush" && mode !== "eraser";
    if (options.hidden) over = null;
    inks.hidden = mode === "eraser";
    const offered = recent().slice(0, INKS);
    if (!offered.includes(ink)) ink = null;
    const focused = [...inks.children].indexOf(document.activeElement);
    inks.replaceChildren(...[null, ...offered].map(swatch));
    inks.children[focused]?.focus({ preventScroll: true });
    size.value = Math.round((100 * Math.log(share / SIZES[0])) / Math.log(SIZES[2] / SIZES[0]));
    size.setAttribute("aria-valuetext", `${Math.round(2 * radius())} pixels`);
    place();
  }

  function place() {
    const size = 2 * radius() * viewer.scale;
    const points = (way ?? []).map(({ x, y }) => viewer.toScreen(x, y));
    // A line of one point has no length, and would not be drawn.
    if (points.length === 1) points.push({ x: points[0].x + 0.01, y: points[0].y });
    line.setAttribute("points", points.map(({ x, y }) => `${x},${y}`).join(" "));
    line.setAttribute("stroke-width", size);
    line.style.stroke = color() ?? GRAY;
    const centre = over && viewer.toScreen(over.x, over.y);
    for (const circle of ring) {
      circle.toggleAttribute("hidden", !centre);
      if (!centre) continue;
      circle.setAttribute("cx", centre.x);
      circle.setAttribute("cy", centre.y);
      circle.setAttribute("r", Math.max(2, size / 2));
    }
  }

  function add({ x, y }) {
    const [width, height] = viewer.size;
    const point = { x: Math.min(width - 1, Math.max(0, x)), y: Math.min(height - 1, Math.max(0, y)) };
    const last = way.at(-1);
    if (!last || Math.hypot(point.x - last.x, point.y - last.y) * viewer.scale >= 2) way.push(point);
    place();
  }

  function end() {
    const points = way;
    way = null;
    keyed = false;
    place();
    if (!points) return;
    const round = (value) => Math.round(10 * value) / 10;
    stroke(cover(points, radius()).map(({ x, y }) => ({ x: round(x), y: round(y), radius: radius() })), color());
  }

  function cancel() {
    way = null;
    keyed = false;
    place();
  }

  const tool = {
    down(point) {
      if (!point.inside || point.kind === "gray") return false;
      way = [];
      add((over = point));
      return true;
    },
    move(point) {
      over = point;
      add(point);
    },
    up: end,
    cancel,
    hover(point) {
      over = point;
      place();
    },
    key(event) {
      if (event.key === "Escape" && way) {
        cancel();
        tell("The stroke is gone.");
        return true;
      }
      if (event.key === "Enter" && keyed) {
        end();
        return true;
      }
      if (event.key === "Enter" && cross.at) {
        way = [];
        keyed = true;
        add(cross.at);
        tell("The brush is down: arrows draw, Enter lifts it.");
        return true;
      }
      if (!cross.key(event)) return false;
      over = cross.at;
      if (keyed) add(cross.at);
      place();
      return true;
    },
  };
  return { tool, options, render, place, cancel, grow: (factor) => resize(share * factor) };
}
