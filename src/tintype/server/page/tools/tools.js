// Guided work on a photograph: what the user says of its colours, and all that helps to say it.

import { SILENT } from "../api.js";
import { say, tell } from "../say.js";
import { alternatives } from "./alternatives.js";
import { brush } from "./brush.js";
import { crosshair } from "./crosshair.js";
import { doubts } from "./doubts.js";
import { element, icon } from "./element.js";
import { keep, read } from "./history.js";
import { looks } from "./looks.js";
import { panel, recent } from "./panel.js";
import { pins } from "./pins.js";
import { reference } from "./reference.js";
import { saved } from "./saved.js";
import { cover, strokes } from "./strokes.js";
import { Work } from "./work.js";

const SIZES = "tintype.sizes";
const PLACE = 0.012; // radius of a place that is clicked, to the long side of the photograph,
const BRUSH = 0.03; // and that of the brush
const GRAY = "#808080";
const GAP = 28; // pixels between a place and its panel
const SHEET = matchMedia("(max-width: 52rem)"); // where the panel is a sheet at the lower edge; as in tools.css

/** Begins guided work on whatever photograph of the album is shown. tools: the part of the page for what concerns all of
 * the picture. */
export function attach({ album, viewer, keys, panel: tools }) {
  const work = new Work(album, tell);
  const { stage, layer } = viewer;

  /** What the panel is about: {at, count, discs, color}; `at`: of its first hint, null before there is one. */
  let spot = null;
  /** The hints as they were before something was dragged; null while nothing is. */
  let base = null;
  let groups = []; // strokes of the hints
  let mode = "pick";
  let ink = null; // colour of the brush; null: chosen after the stroke
  let sizes = read(SIZES) ?? { place: PLACE, brush: BRUSH };

  const longest = () => Math.max(...(viewer.size ?? [1, 1]));
  const radius = (what) => Math.max(1, Math.round(10 * sizes[what] * longest()) / 10);

  function resized(what, value) {
    sizes = { ...sizes, [what]: value / longest() };
    keep(SIZES, sizes);
  }

  // ---- hints

  const discsOf = ({ at, count }) => work.hints.slice(at, at + count).map(({ x, y, radius }) => ({ x, y, radius }));
  const spotOf = (stroke) => ({ ...stroke, discs: discsOf(stroke), color: work.hints[stroke.at].color });
  const numberOf = ({ at }) => groups.findIndex((stroke) => stroke.at === at) + 1;

  /** Changes hints; `done`: for good, and not only while something is dragged. */
  function edit(label, change, done) {
    base ??= work.hints;
    const hints = change(base);
    if (!done) return work.show(hints);
    base = null;
    work.commit(label, { hints });
  }

  function choose(color, done) {
    const made = spot.discs.map((disc) => ({ x: disc.x, y: disc.y, color, radius: disc.radius }));
    const { at, count } = spot;
    if (done) spot = { ...spot, at: at ?? (base ?? work.hints).length, color };
    edit(
      at === null ? "a new hint" : `colour of hint ${numberOf(spot)}`,
      (hints) => (at === null ? [...hints, ...made] : hints.toSpliced(at, count, ...made)),
      done,
    );
  }

  function move(stroke, dx, dy, done) {
    edit(
      `move of hint ${numberOf(stroke)}`,
      (hints) => {
        const moved = hints.slice(stroke.at, stroke.at + stroke.count);
        // All of it stays on the photograph.
        const [right, down] = [["x", dx], ["y", dy]].map(([axis, way], i) => {
          const places = moved.map((hint) => hint[axis]);
          return Math.min(Math.max(way, -Math.min(...places)), viewer.size[i] - 1 - Math.max(...places));
        });
        const round = (value) => Math.round(10 * value) / 10;
        const there = moved.map((hint) => ({ ...hint, x: round(hint.x + right), y: round(hint.y + down) }));
        return hints.toSpliced(stroke.at, stroke.count, ...there);
      },
      done,
    );
    const { x, y } = discsOf(stroke)[stroke.count >> 1];
    if (done) tell(`Hint ${numberOf(stroke)} at ${Math.round(x)}, ${Math.round(y)}.`);
  }

  function resize(stroke, value, done) {
    const rounded = Math.max(1, Math.round(10 * value) / 10);
    edit(
      `size of hint ${numberOf(stroke)}`,
      (hints) => hints.map((hint, i) => (i >= stroke.at && i < stroke.at + stroke.count ? { ...hint, radius: rounded } : hint)),
      done,
    );
    if (!done) return;
    resized("place", rounded);
    tell(`Hint ${numberOf(stroke)} is ${Math.round(2 * rounded)} pixels large.`);
  }

  function remove(stroke) {
    const number = numberOf(stroke);
    work.commit(`deletion of hint ${number}`, { hints: work.hints.toSpliced(stroke.at, stroke.count) });
    spot = null;
    box.close();
    tell(`Hint ${number} is deleted.`);
    (marks.list.children[Math.min(number, marks.list.children.length) - 1] ?? stage).focus({ preventScroll: true });
  }

  // ---- the panel of a place

  const box = panel(() => work.photo, {
    choose,
    resize(value, done) {
      if (spot.at !== null) return resize(spot, value, done);
      spot = { ...spot, discs: spot.discs.map((disc) => ({ ...disc, radius: value })) };
      resized("place", value);
      marks.outline(spot.discs);
    },
    remove: () => remove(spot),
    move() {
      moving = spot;
      box.close();
      say("Click where the hint should go.");
    },
    next: () => doubtful.next(),
    failed: (error) => work.failed(error, false),
    closed() {
      const { at } = spot ?? {};
      spot = null;
      marks.outline([]);
      if (base) {
        base = null;
        work.cancel();
      }
      if (stage.contains(document.activeElement) || document.activeElement === document.body) {
        if (!marks.focus(at)) stage.focus({ preventScroll: true });
      }
    },
  });
  let moving = null; // the hint that the next click moves

  function open(newSpot) {
    if (base) work.cancel();
    base = null;
    spot = newSpot;
    box.open(spot);
    marks.outline(spot.discs, spot.at === null ? null : spot);
    cross.at = cross.at && spot.discs[spot.discs.length >> 1];
    beside();
  }

  const openAt = (x, y, size = radius("place")) => {
    const [width, height] = viewer.size;
    const place = { x: Math.min(width - 1, Math.floor(x)), y: Math.min(height - 1, Math.floor(y)), radius: size };
    open({ at: null, count: 1, discs: [place], color: null });
  };

  /** Puts the panel beside its place, where there is room for it. */
  function beside() {
    const { style } = box.element;
    if (!spot || SHEET.matches) {
      style.left = style.top = "";
      return;
    }
    const { x, y } = spot.discs[spot.discs.length >> 1];
    const place = viewer.toScreen(x, y);
    place.x += layer.offsetLeft;
    place.y += layer.offsetTop;
    const { offsetWidth: width, offsetHeight: height } = box.element;
    const gap = GAP + Math.min(120, spot.discs[0].radius * viewer.scale);
    const right = place.x + gap + width <= stage.clientWidth - 8;
    const left = right ? place.x + gap : place.x - gap - width;
    style.left = `${Math.max(8, Math.min(left, stage.clientWidth - width - 8))}px`;
    style.top = `${Math.max(8, Math.min(place.y - height / 3, stage.clientHeight - height - 8))}px`;
  }

  // ---- on the picture

  const marks = pins(viewer, () => work.hints, {
    open: (stroke) => open(spotOf(stroke)),
    move,
    resize,
    remove,
    cancel() {
      base = null;
      work.cancel();
    },
    focus(stroke) {
      if (spot || base) return;
      marks.outline(discsOf(stroke), stroke);
      const { x, y } = discsOf(stroke)[stroke.count >> 1];
      const [left, top, right, bottom] = viewer.visible;
      if (x < left || x > right || y < top || y > bottom) viewer.reveal({ x, y });
    },
    blur: () => spot || base || marks.outline([]),
  });
  const cross = crosshair(viewer, tell);
  const paint = brush(viewer, {
    radius: () => radius("brush"),
    color: () => (mode === "eraser" ? GRAY : ink),
    done: painted,
    cross,
    say: tell,
  });
  layer.append(paint.element, ...marks.elements, cross.element);
  stage.append(box.element);

  function painted(points) {
    const size = radius("brush");
    const discs = cover(points, size).map(({ x, y }) => ({ x: Math.round(10 * x) / 10, y: Math.round(10 * y) / 10, radius: size }));
    const color = mode === "eraser" ? GRAY : ink;
    const stroke = { at: null, count: discs.length, discs, color: null };
    if (!color) return open(stroke);
    box.close();
    work.commit(mode === "eraser" ? "erasing" : "a stroke", { hints: [...work.hints, ...discs.map((disc) => ({ ...disc, color })).map(ordered)] });
  }

  const ordered = ({ x, y, color, radius }) => ({ x, y, color, radius });

  const pick = {
    tap({ x, y }, byPointer) {
      if (byPointer) cross.at = null;
      if (!work.photo?.takes_hints) return say(`The model ${work.settings.model} takes no hints: choose another model to correct colours.`);
      if (!moving) return openAt(x, y);
      const stroke = moving;
      moving = null;
      const from = stroke.discs[stroke.count >> 1];
      move(stroke, x - from.x, y - from.y, true);
      marks.focus(stroke.at);
    },
    key(event) {
      if (event.key === "Enter" && cross.at) {
        this.tap(cross.at);
        return true;
      }
      return cross.key(event);
    },
  };

  // ---- the tools

  const doubtful = doubts(viewer, work, {
    open({ x, y, radius: size }) {
      viewer.reveal({ x, y }, size);
      openAt(x, y, Math.max(1, Math.round(10 * size) / 10));
    },
    changed: () => render(),
    say: (sentence, seen) => (seen ? say(sentence) : tell(sentence)),
  });

  function button(name, label, key, run) {
    return element(
      "button",
      { type: "button", className: "tool", title: `${label} (${key})`, "aria-label": label, onclick: run },
      icon(name),
      element("span", { "aria-hidden": "true" }, label.split(" ")[0]),
    );
  }

  const buttons = {
    pick: button("pick", "Pick a place", "P", () => take("pick")),
    brush: button("brush", "Brush", "B", () => take("brush")),
    eraser: button("eraser", "Eraser to gray", "E", () => take("eraser")),
    undo: button("undo", "Undo", "Ctrl + Z", () => work.undo()),
    redo: button("redo", "Redo", "Ctrl + Shift + Z", () => work.redo()),
    doubts: button("doubts", "Doubts", "U", () => (doubtful.shown = !doubtful.shown)),
    next: button("next", "Next doubt", "N", () => doubtful.next()),
  };
  const toolbar = element("div", { id: "modes", role: "group", "aria-label": "Tools" }, ...Object.values(buttons));
  stage.before(toolbar);

  const inks = element("div", { className: "inks", role: "group", "aria-label": "Colour of the brush" });
  const size = element("input", {
    type: "range", min: 0, max: 100, step: 1, "aria-label": "Size of the brush",
    oninput: () => {
      resized("brush", longest() * 0.004 * 50 ** (size.value / 100));
      renderBrush();
    },
  });
  const options = element("div", { className: "brushing", hidden: true, role: "group", "aria-label": "Brush" }, inks, element("label", {}, "Size", size));
  stage.append(options);

  const legend = element("p", { className: "legend", hidden: true }, "The stronger the tint, the more the model doubts.");
  stage.append(legend);

  function take(newMode) {
    mode = newMode;
    moving = null;
    paint.cancel();
    render();
  }

  function renderBrush() {
    options.hidden = mode === "pick" || !work.photo?.takes_hints;
    inks.hidden = mode === "eraser";
    if (ink && !recent().includes(ink)) ink = null;
    const one = (color) => {
      const patch = element("span", { className: "patch" });
      if (color) patch.style.background = color;
      return element(
        "button",
        {
          type: "button", className: color ? "swatch" : "ask", "aria-pressed": String(ink === color), title: color ?? "",
          "aria-label": color ?? "Choose after the stroke",
          onclick: () => {
            ink = color;
            renderBrush();
          },
        },
        color ? patch : "Choose after",
      );
    };
    const focused = [...inks.children].indexOf(document.activeElement);
    inks.replaceChildren(one(null), ...recent().slice(0, 6).map(one));
    if (focused >= 0) inks.children[focused]?.focus({ preventScroll: true });
    size.value = Math.round((100 * Math.log(sizes.brush / 0.004)) / Math.log(50));
    size.setAttribute("aria-valuetext", `${Math.round(2 * radius("brush"))} pixels`);
    paint.place();
  }

  const parts = [
    looks(work, (settings) => viewer.live(settings)),
    alternatives(work),
    reference(work),
    saved(work, {
      say: tell,
      pins: (shown) => marks.elements.forEach((part) => part.classList.toggle("away", !shown)),
    }),
  ];
  tools.append(...parts.map((part) => part.element));

  // ---- what changes

  function render() {
    const { photo } = work;
    const guided = !!photo?.takes_hints;
    toolbar.hidden = !photo;
    for (const name of ["pick", "brush", "eraser"]) {
      buttons[name].setAttribute("aria-pressed", String(name === mode));
      buttons[name].disabled = !guided;
    }
    for (const [name, what] of [["undo", work.undoes], ["redo", work.redoes]]) {
      buttons[name].disabled = what === undefined;
      buttons[name].title = what === undefined ? "" : `${name === "undo" ? "Undo" : "Redo"}: ${what}`;
    }
    legend.hidden = !doubtful.shown;
    buttons.doubts.setAttribute("aria-pressed", String(doubtful.shown));
    viewer.tool = !photo ? null : guided && mode !== "pick" ? paint.tool : pick;
    stage.dataset.tool = guided ? mode : "";
    renderBrush();
    doubtful.render();
    for (const part of parts) part.render();
  }

  /** The hints are others: pins, and the spot of the panel, follow. */
  function follow() {
    if (base) {
      // As before the drag, so that no pin comes or goes under the pointer.
      const added = work.hints.length - base.length;
      groups = strokes(base);
      if (added) groups.push({ at: base.length, count: added });
    } else groups = strokes(work.hints);
    marks.render(groups);
    if (spot && !base) {
      const { x, y } = spot.discs[spot.discs.length >> 1];
      const found =
        groups.find(({ at, count }) => work.hints.slice(at, at + count).some((hint) => hint.x === x && hint.y === y)) ??
        groups.find(({ at, count }) => at === spot.at && count === spot.count);
      spot = found ? spotOf(found) : { ...spot, at: null, color: null };
      box.refresh(spot);
    }
    if (spot) marks.outline(spot.at === null ? spot.discs : discsOf(spot), spot.at === null ? null : spot);
  }

  work.addEventListener("change", () => {
    follow();
    render();
  });
  work.addEventListener("photo", () => {
    base = moving = cross.at = null;
    paint.cancel();
    if (spot) box.close();
  });
  work.addEventListener("trouble", () => {
    if (!work.trouble) return;
    // What the album could not send, the page tells.
    if (work.trouble !== SILENT) say(work.trouble, { trouble: true });
    else say("What you changed is kept here.", { stays: true, action: { label: "Send it again", run: () => work.retry() } });
  });
  viewer.addEventListener("view", () => {
    marks.place();
    cross.place();
    paint.place();
    beside();
  });
  SHEET.addEventListener("change", beside);
  new ResizeObserver(beside).observe(box.element);

  const there = () => !!work.photo;
  const hinted = () => !!work.photo?.takes_hints;
  const group = "Colours";
  keys.add(
    { key: "p", says: "Pick a place", group, when: hinted, run: () => take("pick") },
    { key: "b", says: "Brush", group, when: hinted, run: () => take("brush") },
    { key: "e", says: "Eraser to gray", group, when: hinted, run: () => take("eraser") },
    { key: "[", says: "Smaller brush", group, when: () => mode !== "pick", run: () => brushSize(1 / 1.15), repeats: true },
    { key: "]", says: "Larger brush", group, when: () => mode !== "pick", run: () => brushSize(1.15), repeats: true },
    { key: "n", says: "Next doubtful place", group, when: there, run: () => doubtful.next() },
    { key: "u", says: "Show where the model doubts", group, when: there, run: () => (doubtful.shown = !doubtful.shown) },
    { key: "z", control: true, shift: false, says: "Undo", group, when: there, run: () => work.undo(), repeats: true },
    { key: "z", control: true, shift: true, says: "Redo", group, when: there, run: () => work.redo(), repeats: true },
    { key: "y", control: true, says: "Redo", group, when: there, run: () => work.redo(), repeats: true },
    { key: "Escape", says: "Close the panel of a place", group, when: () => !!spot, run: () => box.close() },
    { key: "Arrows", shown: "← ↑ → ↓", says: "Move the crosshair, or a pin", group, listed: true },
    { key: "Enter", says: "Colours at the crosshair, or of a pin", group, listed: true },
  );

  function brushSize(factor) {
    resized("brush", Math.min(0.2, Math.max(0.004, sizes.brush * factor)) * longest());
    renderBrush();
  }

  follow();
  render();
}
