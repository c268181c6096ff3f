// Guided work on a photograph: what the user says of its colours, and all that helps to say it.

import { SILENT } from "../api.js";
import { say, tell } from "../say.js";
import { alternatives } from "./alternatives.js";
import { brush } from "./brush.js";
import { doubts } from "./doubts.js";
import { element } from "./element.js";
import { hinting } from "./hinting.js";
import { looks } from "./looks.js";
import { reference } from "./reference.js";
import { saved } from "./saved.js";
import { toolbar } from "./toolbar.js";
import { Work } from "./work.js";

/** Begins guided work on whatever photograph of the album is shown. panel: the part of the page for what concerns all of
 * the picture. */
export function attach({ album, viewer, keys, panel }) {
  const work = new Work(album, tell);
  const { stage } = viewer;
  let mode = "pick";

  const hints = hinting(viewer, work, () => doubtful.next());
  const paint = brush(viewer, { stroke: hints.stroke, cross: hints.cross, tell });
  const doubtful = doubts(viewer, work, {
    open({ x, y, radius }) {
      viewer.reveal({ x, y }, radius);
      hints.open(x, y, Math.max(1, Math.round(10 * radius) / 10));
    },
    changed: () => render(),
    say,
    tell,
  });
  const bar = toolbar({
    pick: () => take("pick"),
    brush: () => take("brush"),
    eraser: () => take("eraser"),
    undo: () => work.undo(),
    redo: () => work.redo(),
    doubts: () => (doubtful.shown = !doubtful.shown),
    next: () => doubtful.next(),
  });
  const legend = element("p", { className: "legend", hidden: true }, "The stronger the tint, the more the model doubts.");
  const parts = [
    looks(work, (settings) => viewer.live(settings)),
    alternatives(work),
    reference(work),
    saved(work, { tell, pins: hints.shows }),
  ];
  stage.before(bar.element);
  stage.append(paint.options, legend);
  panel.append(...parts.map((part) => part.element));

  function take(newMode) {
    mode = newMode;
    hints.drop();
    paint.cancel();
    render();
  }

  function render() {
    const { photo, undoes, redoes } = work;
    const inHand = !photo?.takes_hints ? "" : mode;
    viewer.tool = !photo ? null : inHand === "brush" || inHand === "eraser" ? paint.tool : hints.tool;
    stage.dataset.tool = inHand;
    bar.render({ photo, mode, undoes, redoes, doubts: doubtful.shown });
    legend.hidden = !doubtful.shown;
    paint.render(inHand);
    doubtful.render();
    for (const part of parts) part.render();
  }

  work.addEventListener("change", () => {
    hints.follow();
    render();
  });
  work.addEventListener("photo", () => {
    paint.cancel();
    hints.reset();
  });
  work.addEventListener("trouble", () => {
    if (!work.trouble) return;
    // What the album could not send, the page tells.
    if (work.trouble !== SILENT) say(work.trouble, { trouble: true });
    else say("What you changed is kept here.", { stays: true, action: { label: "Send it again", run: () => work.retry() } });
  });
  viewer.addEventListener("view", () => {
    hints.place();
    paint.place();
  });

  const there = () => !!work.photo;
  const hinted = () => !!work.photo?.takes_hints;
  const group = "Colours";
  keys.add(
    { key: "p", says: "Pick a place", group, when: hinted, run: () => take("pick") },
    { key: "b", says: "Brush", group, when: hinted, run: () => take("brush") },
    { key: "e", says: "Eraser to gray", group, when: hinted, run: () => take("eraser") },
    { key: "[", says: "Smaller brush, or hint of a pin", group, when: () => mode !== "pick", run: () => paint.grow(1 / 1.15), repeats: true },
    { key: "]", says: "Larger brush, or hint of a pin", group, when: () => mode !== "pick", run: () => paint.grow(1.15), repeats: true },
    { key: "n", says: "Next doubtful place", group, when: there, run: () => doubtful.next() },
    { key: "u", says: "Show where the model doubts", group, when: there, run: () => (doubtful.shown = !doubtful.shown) },
    { key: "z", control: true, shift: false, says: "Undo", group, when: there, run: () => work.undo(), repeats: true },
    { key: "z", control: true, shift: true, says: "Redo", group, when: there, run: () => work.redo(), repeats: true },
    { key: "y", control: true, hidden: true, group, when: there, run: () => work.redo(), repeats: true },
    { key: "Escape", says: "Close the panel of a place", group, when: () => !!hints.target, run: () => hints.close() },
    { key: "Arrows", shown: "← ↑ → ↓", says: "Move the crosshair, or a pin", group, listed: true },
    { key: "Enter", says: "Colours at the crosshair, or of a pin", group, listed: true },
  );

  hints.follow();
  render();
}
