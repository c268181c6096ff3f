// The hints on the picture: a pin for each, which can be selected, moved, resized and deleted.

import { drawn, element } from "./element.js";

const STILL = 4; // pixels of the screen that a press may move and be no drag
const GROWTH = 1.15; // of a size, for each press of a key

/**
 * Pins over the picture: {elements, list, render(strokes, hints), place(), outline(discs, stroke), focus(at)}.
 *
 * view: {scale, toScreen(x, y)}. on: {open(stroke), move(stroke, dx, dy, done),
 * resize(stroke, radius, done), remove(stroke), cancel(), focus(stroke), blur()}.
 */
export function pins(view, on) {
  let hints = [];
  let shown = []; // strokes as pins show them, in the order of the pins
  let lit = []; // discs that are outlined
  const inside = drawn("mask", { id: "pins-inside", maskUnits: "userSpaceOnUse", x: 0, y: 0, width: "100%", height: "100%" });
  const around = drawn("g", { mask: "url(#pins-inside)" });
  const outlines = drawn("svg", { class: "outlines", "aria-hidden": "true" }, inside, around);
  const handle = element("span", { className: "handle", hidden: true, onpointerdown: pull });
  const list = element("div", { className: "pins", role: "group", "aria-label": "Hints", "aria-describedby": "pins-help" });
  const help = element(
    "p",
    { id: "pins-help", hidden: true },
    "Enter changes the colour of a hint. Arrows move it. The keys [ and ] change its size. Delete takes it away.",
  );
  let held = null; // the stroke of the handle

  const middle = ({ at, count }) => hints[at + (count >> 1)];

  function render(strokes, newHints) {
    hints = newHints;
    shown = strokes;
    if (held) {
      held = strokes.find(({ at, count }) => at === held.at && count === held.count) ?? null;
      lit = held ? hints.slice(held.at, held.at + held.count) : [];
    }
    while (list.children.length > strokes.length) list.lastChild.remove();
    while (list.children.length < strokes.length) list.append(pin(list.children.length));
    strokes.forEach((stroke, number) => {
      const { x, y, color } = middle(stroke);
      const what = stroke.count > 1 ? `Hint ${number + 1}, a stroke, ` : `Hint ${number + 1}, `;
      list.children[number].setAttribute("aria-label", `${what}${color} at ${Math.round(x)}, ${Math.round(y)}`);
      list.children[number].firstChild.style.background = color;
    });
    place();
  }

  function pin(number) {
    const button = element(
      "button",
      {
        type: "button", className: "pin", "aria-describedby": "pins-help",
        onclick: (event) => event.detail === 0 && on.open(shown[number]), // by key: the pointer's are told below
        onkeydown: (event) => key(event, shown[number]),
        onkeyup: () => settle(),
        onfocus: () => on.focus(shown[number]),
        onblur: () => {
          settle();
          on.blur();
        },
        onpointerdown: (event) => drag(event, shown[number]),
      },
      element("span", { className: "patch" }),
    );
    return button;
  }

  /** Puts everything where the picture is now. */
  function place() {
    shown.forEach((stroke, number) => at(list.children[number], middle(stroke)));
    const circles = (grown, fill) =>
      lit.map(({ x, y, radius }) => {
        const { x: cx, y: cy } = view.toScreen(x, y);
        return drawn("circle", { cx, cy, r: Math.max(2, radius * view.scale) + grown, fill });
      });
    // The outline of all of them together: what is inside of one is cut out.
    inside.replaceChildren(drawn("rect", { width: "100%", height: "100%", fill: "white" }), ...circles(-1, "black"));
    around.replaceChildren(...circles(2, "black"), ...circles(0.75, "white"));
    handle.hidden = !held;
    if (held) {
      const { x, y, radius } = middle(held);
      // Beside the pin where the disc is smaller than that.
      at(handle, { x: x + Math.max(radius, 22 / view.scale), y });
    }
  }

  function at(what, { x, y }) {
    const point = view.toScreen(x, y);
    what.style.transform = `translate(${point.x}px, ${point.y}px)`;
  }

  /** Outlines discs; `stroke`: the hints that they are, which then get a handle. */
  function outline(discs, stroke = null) {
    lit = discs;
    held = stroke;
    [...list.children].forEach((button, number) => button.classList.toggle("selected", shown[number]?.at === stroke?.at));
    place();
  }

  // ---- by pointer

  /** Follows the pointer that is pressed: each move in pixels of the photograph from where it began. */
  function follow(event, moved, ended) {
    event.stopPropagation();
    if (event.button !== 0) return;
    const target = event.currentTarget;
    const start = { x: event.clientX, y: event.clientY };
    let far = false;
    target.setPointerCapture(event.pointerId);
    const gap = (event) => [(event.clientX - start.x) / view.scale, (event.clientY - start.y) / view.scale];
    const listeners = {
      pointermove: (event) => {
        far ||= Math.hypot(event.clientX - start.x, event.clientY - start.y) >= STILL;
        if (far) moved(...gap(event));
      },
      pointerup: (event) => end(() => ended(far, ...gap(event))),
      pointercancel: () => end(() => far && on.cancel()),
    };
    function end(then) {
      for (const [name, listener] of Object.entries(listeners)) target.removeEventListener(name, listener);
      then();
    }
    for (const [name, listener] of Object.entries(listeners)) target.addEventListener(name, listener);
  }

  function drag(event, stroke) {
    follow(
      event,
      (dx, dy) => on.move(stroke, dx, dy, false),
      (far, dx, dy) => (far ? on.move(stroke, dx, dy, true) : on.open(stroke)),
    );
  }

  function pull(event) {
    const stroke = held;
    const { radius } = middle(stroke);
    const size = (dx) => Math.max(1, radius + dx);
    follow(
      event,
      (dx) => on.resize(stroke, size(dx), false),
      (far, dx) => far && on.resize(stroke, size(dx), true),
    );
  }

  // ---- by key: what a key does while it is held is one step

  let pending = null; // what the release of the key completes

  function key(event, stroke) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const growth = { "[": 1 / GROWTH, "]": GROWTH }[event.key];
    if (way) {
      const step = Math.max(1, Math.round(1 / view.scale)) * (event.shiftKey ? 10 : 1);
      const [dx, dy] = [0, 1].map((axis) => (pending?.gap?.[axis] ?? 0) + step * way[axis]);
      settle("gap");
      pending = { gap: [dx, dy], done: () => on.move(stroke, dx, dy, true) };
      on.move(stroke, dx, dy, false);
    } else if (growth) {
      const radius = Math.max(1, (pending?.radius ?? middle(stroke).radius) * growth);
      settle("radius");
      pending = { radius, done: () => on.resize(stroke, radius, true) };
      on.resize(stroke, radius, false);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      settle();
      on.remove(stroke);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Completes what a key began, unless another of its kind goes on with it. */
  function settle(kind = null) {
    if (!pending || (kind && kind in pending)) return;
    const { done } = pending;
    pending = null;
    done();
  }

  /** The keyboard to a pin; false where there is no such. */
  function focus(at) {
    const number = shown.findIndex((stroke) => stroke.at === at);
    list.children[number]?.focus({ preventScroll: true });
    return number >= 0;
  }

  return { elements: [outlines, list, handle, help], list, render, place, outline, focus };
}
