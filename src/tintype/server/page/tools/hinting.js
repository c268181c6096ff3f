// Hints on the picture: a place is picked, its panel opens, what is chosen there becomes a hint with a pin.

import { say, tell } from "../say.js";
import { crosshair } from "./crosshair.js";
import { keep, read } from "./history.js";
import { panel } from "./panel.js";
import { pins } from "./pins.js";
import { strokes } from "./strokes.js";

const KEPT = "tintype.place";
const PLACE = 0.012; // radius of a place that is picked, to the long side of the photograph
const GAP = 28; // pixels between a place and its panel
const SHEET = matchMedia("(max-width: 52rem)"); // where the panel is a sheet at the lower edge; as in tools.css

/**
 * {tool, cross, open(x, y, radius), stroke(discs, color), follow(), place(), drop(), reset(), close(), shows(pins),
 * target}.
 *
 * tool: what the viewer calls to pick places. next(): from the panel to the next doubtful place.
 */
export function hinting(viewer, work, next) {
  const { stage, layer } = viewer;

  /** What the panel is about: {at, count, discs, color}; `at`: of its first hint, null before there is one. */
  let spot = null;
  /** The hints as they were before something was dragged; null while nothing is. */
  let base = null;
  let groups = []; // strokes of the hints
  let moving = null; // the hint that the next click moves
  let share = read(KEPT) ?? PLACE;

  const longest = () => Math.max(...viewer.size);
  const placeRadius = () => Math.max(1, Math.round(10 * share * longest()) / 10);

  function remember(radius) {
    share = radius / longest();
    keep(KEPT, share);
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
    const number = numberOf(stroke);
    edit(
      `move of hint ${number}`,
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
    if (done) tell(`Hint ${number} at ${Math.round(x)}, ${Math.round(y)}.`);
  }

  function resize(stroke, value, done) {
    const number = numberOf(stroke);
    const rounded = Math.max(1, Math.round(10 * value) / 10);
    edit(
      `size of hint ${number}`,
      (hints) => hints.map((hint, i) => (i >= stroke.at && i < stroke.at + stroke.count ? { ...hint, radius: rounded } : hint)),
      done,
    );
    if (!done) return;
    if (stroke.count === 1) remember(rounded);
    tell(`Hint ${number} is ${Math.round(2 * rounded)} pixels large.`);
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
      if (spot.count === 1) remember(value);
      marks.outline(spot.discs);
    },
    remove: () => remove(spot),
    move() {
      moving = spot;
      box.close();
      say("Click where the hint should go.");
    },
    next,
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

  function open(newSpot) {
    if (base) work.cancel();
    base = null;
    spot = newSpot;
    box.open(spot);
    marks.outline(spot.discs, spot.at === null ? null : spot);
    cross.at = cross.at && spot.discs[spot.discs.length >> 1];
    beside();
  }

  const openAt = (x, y, radius = placeRadius()) => {
    const [width, height] = viewer.size;
    const place = { x: Math.min(width - 1, Math.floor(x)), y: Math.min(height - 1, Math.floor(y)), radius };
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

  const marks = pins(viewer, {
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
  layer.append(...marks.elements, cross.element);
  stage.append(box.element);
  SHEET.addEventListener("change", beside);
  new ResizeObserver(beside).observe(box.element);

  /** A stroke of the brush; `color`: null where it is still to be chosen. */
  function stroke(discs, color) {
    if (!color) return open({ at: null, count: discs.length, discs, color: null });
    box.close();
    const made = discs.map(({ x, y, radius }) => ({ x, y, color, radius }));
    work.commit("a stroke", { hints: [...work.hints, ...made] });
  }

  const tool = {
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

  /** The hints are others: pins, and the spot of the panel, follow. */
  function follow() {
    if (base) {
      // As before the drag, so that no pin comes or goes under the pointer.
      const added = work.hints.length - base.length;
      groups = strokes(base);
      if (added) groups.push({ at: base.length, count: added });
    } else groups = strokes(work.hints);
    marks.render(groups, work.hints);
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

  return {
    tool,
    cross,
    open: openAt,
    stroke,
    follow,
    close: box.close,
    /** The picture moved on the screen. */
    place() {
      marks.place();
      cross.place();
      beside();
    },
    /** Another tool is in hand. */
    drop: () => (moving = null),
    /** It is about another photograph. */
    reset() {
      base = moving = spot = cross.at = null;
      follow();
      box.close();
    },
    shows: (pins) => marks.elements.forEach((part) => part.classList.toggle("away", !pins)),
    get target() {
      return spot;
    },
  };
}
