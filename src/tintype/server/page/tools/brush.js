// The brush: a stroke over a larger place, by pointer or with the crosshair.

import { drawn } from "./element.js";

/**
 * What the viewer calls while the brush is in hand: {element, place(), tool}.
 *
 * radius(): of the brush, in pixels of the photograph; color(): `#rrggbb`, or null before one is chosen;
 * done(points): a stroke is complete; cross: the crosshair.
 */
export function brush(viewer, { radius, color, done, cross, say }) {
  let way = null; // [{x, y}] of the stroke that is being drawn
  let over = null; // where the pointer is
  let keyed = false; // whether the stroke is drawn with keys
  const stroke = drawn("polyline", { class: "way" });
  const ring = ["under", "over"].map((name) => drawn("circle", { class: name }));
  const element = drawn("svg", { class: "brush", "aria-hidden": "true" }, stroke, ...ring);

  function place() {
    const size = 2 * radius() * viewer.scale;
    const points = (way ?? []).map(({ x, y }) => viewer.toScreen(x, y));
    // A line of one point has no length, and would not be drawn.
    if (points.length === 1) points.push({ x: points[0].x + 0.01, y: points[0].y });
    stroke.setAttribute("points", points.map(({ x, y }) => `${x},${y}`).join(" "));
    stroke.setAttribute("stroke-width", size);
    stroke.style.stroke = color() ?? "#808080";
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
    if (points) done(points);
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
        say("The stroke is gone.");
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
        say("The brush is down: arrows draw, Enter lifts it.");
        return true;
      }
      if (!cross.key(event)) return false;
      over = cross.at;
      if (keyed) add(cross.at);
      place();
      return true;
    },
  };
  return { element, place, cancel, tool };
}
