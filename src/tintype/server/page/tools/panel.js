// The panel of a place: which colours are likely there, and others to choose.

import { address, json } from "../api.js";
import { hex, parsed, words } from "./colour.js";
import { element, icon } from "./element.js";
import { keep, read } from "./history.js";
import { picker } from "./picker.js";

const LIKELY = 8; // colours offered
const RECENT = 8; // colours kept
const KEPT = "tintype.recent";

/** The colours that were chosen last, the newest first. */
export const recent = () => read(KEPT) ?? [];

export function remember(color) {
  keep(KEPT, [color, ...recent().filter((other) => other !== color)].slice(0, RECENT));
}

/**
 * The panel: {element, open(target), close(), refresh(), target}.
 *
 * A target is {discs: [{x, y, radius}], color}: one place, or those of a stroke; `color` is null where no hint is there
 * yet. photo(): the photograph. on: {choose(color, done), resize(radius, done), remove(), move(), closed(), next(), failed(error) -> sentence}.
 */
export function panel(photo, on) {
  let target = null;
  let place = null; // what the server says of it: {lightness, current, colours}
  let asking = null;
  let color = null; // that the picker shows

  const title = element("h2", { id: "panel-title" });
  const likely = element("div", { className: "likely", role: "group", "aria-label": "Likely colours here" });
  const latest = element("div", { className: "recent", role: "group", "aria-label": "Recent colours" });
  const said = element("p", { className: "said", role: "status" });
  const free = picker(choose);
  const size = element("input", {
    type: "range", min: 0, max: 100, step: 1, "aria-label": "Size",
    oninput: () => resize(false), onchange: () => resize(true),
  });
  const sized = element("output", {});
  const gray = element("button", { type: "button", className: "quiet", onclick: () => choose(hex(place.lightness, 0, 0), true) }, "Erase to gray");
  const move = element("button", { type: "button", className: "quiet", onclick: () => on.move() }, "Move");
  const remove = element("button", { type: "button", className: "quiet", onclick: () => on.remove() }, "Delete");
  const shown = element(
    "div",
    {
      className: "panel", role: "dialog", tabIndex: -1, hidden: true, "aria-labelledby": "panel-title",
      onpointerdown: (event) => event.stopPropagation(), onwheel: (event) => event.stopPropagation(), onkeydown: key,
    },
    element(
      "header",
      {},
      title,
      element("button", { type: "button", className: "bare", "aria-label": "Close", onclick: close }, icon("close")),
    ),
    likely,
    said,
    latest,
    free.element,
    element("label", { className: "size" }, "Size", size, sized),
    element("footer", {}, gray, move, remove),
  );

  function swatch(code, share) {
    const name = `${code}, ${words(parsed(code))}`;
    const percent = share === undefined ? "" : share < 0.01 ? "< 1 %" : `${Math.round(100 * share)} %`;
    const patch = element("span", { className: "patch" });
    patch.style.background = code;
    const button = element(
      "button",
      {
        type: "button", className: "swatch", title: name, "aria-label": percent ? `${name}, ${percent}` : name,
        onclick: () => choose(code, true),
      },
      patch,
      ...(percent ? [element("span", { className: "share", "aria-hidden": "true" }, percent)] : []),
    );
    button.dataset.color = code;
    return button;
  }

  function choose(code, done) {
    if (!target) return;
    color = code;
    if (done) remember(code);
    on.choose(code, done);
  }

  // The slider goes by ratio: from a 400th of the long side to a quarter of it.
  const smallest = () => Math.max(1, Math.max(photo().width, photo().height) / 400);
  const ratio = () => Math.max(photo().width, photo().height) / 4 / smallest();

  function resize(done) {
    const radius = smallest() * ratio() ** (size.value / 100);
    sized.textContent = `${Math.round(2 * radius)} px`;
    on.resize(Math.round(10 * radius) / 10, done);
  }

  function key(event) {
    event.stopPropagation();
    const typing = event.target.matches("input");
    if (event.key === "Escape") close();
    else if (!typing && event.key.toLowerCase() === "n" && !event.ctrlKey && !event.metaKey && !event.altKey) on.next();
    else if (!typing && event.key === "Delete" && target.color) on.remove();
    else return;
    event.preventDefault();
  }

  const middle = () => target.discs[target.discs.length >> 1];

  /** Opens for a target. focus: whether the keyboard shall be here. */
  function open(newTarget, focus = true) {
    asking?.abort();
    target = newTarget;
    place = null;
    color = target.color;
    likely.replaceChildren();
    // As they are now: they do not move under the pointer when one is chosen.
    latest.replaceChildren(...recent().map((code) => swatch(code)));
    latest.hidden = !latest.children.length;
    const { x, y } = middle();
    title.textContent = `Colours at ${Math.round(x)}, ${Math.round(y)}`;
    shown.hidden = false;
    likely.setAttribute("aria-busy", "true");
    refresh();
    if (focus) shown.focus({ preventScroll: true });
    ask();
  }

  async function ask() {
    const controller = (asking = new AbortController());
    const { x, y, radius } = middle();
    const [right, bottom] = [photo().width - 1, photo().height - 1];
    const parameters = { x: Math.min(right, Math.round(x)), y: Math.min(bottom, Math.round(y)), radius, count: LIKELY };
    try {
      const answer = await json(address(photo().id, "likely", parameters), { signal: controller.signal });
      place = answer;
      said.textContent = answer.colours.length ? "" : "This model does not tell which other colours are likely.";
    } catch (error) {
      if (controller.signal.aborted) return;
      said.textContent = on.failed(error);
      // The picker works without.
      place = { lightness: 50, current: "#777777", colours: [] };
    }
    likely.removeAttribute("aria-busy");
    likely.replaceChildren(...place.colours.map((one) => swatch(one.color, one.probability)));
    refresh();
  }

  /** Shows the target as it is now, after a choice, undo or redo; `newTarget`: the same place, in other words. */
  function refresh(newTarget = target) {
    target = newTarget;
    if (!target) return;
    if (target.color) color = target.color;
    if (place) free.show(place.lightness, color ?? place.current);
    for (const swatch of shown.querySelectorAll(".swatch")) {
      swatch.setAttribute("aria-pressed", String(swatch.dataset.color === target.color));
    }
    gray.disabled = !place;
    free.element.classList.toggle("away", !place); // its room is kept, so that nothing moves under the pointer
    const { radius } = middle();
    size.value = Math.round((100 * Math.log(radius / smallest())) / Math.log(ratio()));
    sized.textContent = size.ariaValueText = `${Math.round(2 * radius)} px`;
    remove.disabled = move.disabled = !target.color;
  }

  function close() {
    if (!target) return;
    asking?.abort();
    target = null;
    shown.hidden = true;
    on.closed();
  }

  return {
    element: shown,
    open,
    close,
    refresh,
    get target() {
      return target;
    },
  };
}
