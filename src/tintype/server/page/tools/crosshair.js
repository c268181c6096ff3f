// A place on the picture that arrow keys move, for those who use no pointer.

import { drawn } from "./element.js";

const STEP = 8; // pixels of the screen

/** {element, place(), key(event), at, hide()}; say(sentence): where it is now. */
export function crosshair(viewer, say) {
  let at = null; // in pixels of the photograph
  const element = drawn(
    "svg",
    { class: "crosshair", viewBox: "-20 -20 40 40", "aria-hidden": "true" },
    ...["under", "over"].map((name) => drawn("path", { class: name, d: "M-18 0h13M5 0h13M0 -18v13M0 5v13" })),
  );
  element.toggleAttribute("hidden", true);

  function place() {
    element.toggleAttribute("hidden", !at);
    if (!at) return;
    const { x, y } = viewer.toScreen(at.x, at.y);
    element.style.transform = `translate(${x}px, ${y}px)`;
  }

  /** Whether the key moved it. It begins in the middle of what is seen. */
  function key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way || !viewer.size || event.ctrlKey || event.metaKey || event.altKey) return false;
    const [left, top, right, bottom] = viewer.visible;
    const [width, height] = viewer.size;
    const step = (event.shiftKey ? 5 * STEP : STEP) / viewer.scale;
    at ??= { x: (left + right) / 2, y: (top + bottom) / 2 };
    at = {
      x: Math.round(Math.min(width - 1, Math.max(0, at.x + step * way[0]))),
      y: Math.round(Math.min(height - 1, Math.max(0, at.y + step * way[1]))),
    };
    // At the edge of the screen the picture comes along.
    const [over, down] = [[at.x, left, right], [at.y, top, bottom]].map(([place, first, last]) =>
      place < first ? first - place : place > last ? last - place : 0,
    );
    if (over || down) viewer.pan(over * viewer.scale, down * viewer.scale);
    place();
    say(`${at.x}, ${at.y}`);
    return true;
  }

  return {
    element,
    place,
    key,
    get at() {
      return at;
    },
    set at(place_) {
      at = place_;
      place();
    },
  };
}
