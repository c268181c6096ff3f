// Puts the page together.

import { About, remedies } from "./about.js";
import { Album } from "./album.js";
import * as api from "./api.js";
import { Downloads } from "./downloads.js";
import * as intake from "./intake.js";
import { Keys, openHelp } from "./keys.js";
import { Pictures } from "./pictures.js";
import { say, tell } from "./say.js";
import { Strip } from "./strip.js";
import * as tools from "./tools/tools.js";
import { MODES, Viewer } from "./viewer.js";

const element = (id) => document.getElementById(id);
const plural = (count, one, many = `${one}s`) => (count === 1 ? `1 ${one}` : `${count} ${many}`);

const album = new Album();
const keys = new Keys();
const stage = element("stage");
const viewer = new Viewer(stage);
const strip = new Strip(element("strip"), album);
const downloads = new Downloads(album);
new About(album);

// ---- photographs come and go

const choose = () => element("files").click();
for (const id of ["add", "choose"]) element(id).onclick = choose;
element("choose-folder").onclick = () => element("folder").click();

/** How photographs are read that are added now. */
function reading() {
  const model = element("all-model").value;
  return { model: model || null, negative: element("all-negative").checked, faded: element("all-faded").checked };
}

intake.listen({
  took(files, left) {
    album.add(files, reading());
    if (files.length) tell(`${plural(files.length, "photograph")} added.`);
    if (left) say(`${plural(left, "file")} of the folder ${left === 1 ? "was" : "were"} left out: by the name, no photograph that tintype reads.`);
    else if (!files.length) say("There is no photograph in this folder.");
  },
});

function removeShown() {
  const item = album.selected;
  if (!item) return;
  const { undo, finish } = album.remove(item);
  leaving.add(finish);
  say(`${item.label} was removed.`, {
    action: { label: "Bring it back", run: () => (leaving.delete(finish), undo()) },
    closed: () => (leaving.delete(finish), finish()),
  });
  if (album.items.length > 1) strip.focus();
  else if (album.selected) stage.focus({ preventScroll: true });
}
element("remove").onclick = removeShown;

/** Photographs that are removed for good when their message goes, or the page. */
const leaving = new Set();
addEventListener("pagehide", () => {
  for (const finish of leaving) finish();
  album.keep();
});

album.addEventListener("list", () => {
  const some = album.items.length > 0;
  if (some === element("empty").hidden) return void (element("strip").hidden = album.items.length < 2);
  const focused = document.activeElement;
  const began = "ready" in document.body.dataset; // else nobody has done anything yet
  const lost = (began && focused === document.body) || element(some ? "empty" : "work").contains(focused);
  element("empty").hidden = some;
  element("work").hidden = !some;
  element("add").hidden = !some;
  element("save").hidden = !some;
  element("strip").hidden = album.items.length < 2;
  // What is chosen there holds for photographs that are added later, too, and must stay in sight.
  element("before-label").textContent = some ? "Photographs added next" : "Before colouring";
  (some ? element("panel") : document.querySelector(".welcome")).append(element("before"));
  if (lost) (some ? stage : element("choose")).focus({ preventScroll: true });
});

addEventListener("beforeunload", (event) => {
  if (album.unsafe) event.preventDefault();
});

// ---- how far they are

const WHILE = 15_000; // milliseconds between two words about progress
let told = 0; // when the last one was said
let settled = true; // whether nothing is on its way

function progress() {
  const [all, ready, busy] = [album.items.length, album.ready.length, album.busy.length];
  const failed = all - ready - busy;
  const done = busy ? `${ready} of ${all} coloured` : all > 1 ? `${plural(ready, "photograph")} coloured` : "";
  const words = [done, failed && all > 1 && `${failed} failed`].filter(Boolean).join(", ");
  if (element("progress").textContent !== words) element("progress").textContent = words;
  document.title = busy ? `${ready}/${all} tintype` : "tintype";
  element("save").disabled = !ready;
  const now = Date.now();
  if (settled && busy) [settled, told] = [false, now];
  else if (!settled && !busy) {
    settled = true;
    tell(`${plural(ready, "photograph")} coloured${failed ? `, ${failed} failed` : ""}.`);
  } else if (busy && now - told > WHILE) {
    told = now;
    tell(`${words}.`);
  }
}

/** What is said on the photograph while it is not there. */
function wait() {
  const item = album.selected;
  const panel = element("wait");
  panel.hidden = !item || item.state === "ready";
  if (panel.hidden) return;
  const failed = item.state === "failed";
  const { sentence, salvage, pages } = remedies(item.sentence);
  const words = {
    waiting: item.sentence || `${item.label} waits for its turn.`,
    sending: `Sending ${item.label} …`,
    looking: `Colouring ${item.label} …`,
    failed: sentence,
  };
  const line = panel.querySelector(".words");
  if (line.textContent !== words[item.state]) line.textContent = words[item.state];
  panel.className = failed ? "failed" : "";
  const bar = panel.querySelector("progress");
  bar.hidden = failed;
  if (item.state === "sending") bar.value = item.progress;
  else bar.removeAttribute("value");
  const row = panel.querySelector(".row");
  const wanted = failed ? `failed ${item.key} ${item.lost} ${item.sentence}` : "";
  if (row.dataset.wanted === wanted) return;
  row.dataset.wanted = wanted;
  row.replaceChildren();
  row.hidden = !failed;
  if (!failed) return;
  const offer = (label, run, kind = "quiet") => {
    const button = document.createElement("button");
    button.className = kind;
    button.textContent = label;
    button.onclick = () => {
      stage.focus({ preventScroll: true }); // as the button goes
      run();
    };
    row.append(button);
  };
  if (salvage) offer("Colour what is left", () => album.retry(item, { salvage: true }), "main");
  if (pages) {
    offer("The first", () => album.retry(item, { page: 1 }));
    offer(`All ${pages}`, async () => {
      for (let page = pages; page > 1; page--) await album.again(item, { page });
      album.retry(item, { page: 1 });
    }, "main");
  }
  if (item.lost) offer("Choose it again", choose, "main");
  else offer("Try again", () => album.retry(item));
  offer("Remove", removeShown);
}

const faults = new WeakMap(); // item -> the sentence that was said of it
album.addEventListener("item", ({ detail: item }) => {
  progress();
  if (item === album.selected) wait();
  const sentence = item.state === "failed" ? item.sentence : "";
  if (sentence && faults.get(item) !== sentence) tell(remedies(sentence).sentence);
  faults.set(item, sentence);
});
album.addEventListener("list", progress);
album.addEventListener("refused", ({ detail }) => say(remedies(detail.sentence).sentence, { trouble: true }));

// ---- the photograph that is shown

function label() {
  const item = album.selected;
  const ways = { colour: "coloured", slider: "before and after", side: "before and after, side by side" };
  const way = viewer.holding ? "as it was" : ways[viewer.mode];
  element("canvas").setAttribute("aria-label", item ? `${item.label}, ${way}` : "No photograph");
}

album.addEventListener("select", () => {
  viewer.show(album.selected);
  wait();
  label();
});
let known = null; // the photograph of which the viewer knows the size
album.addEventListener("item", ({ detail }) => {
  if (detail !== album.selected) return;
  if (!detail.photo || known === detail.photo) return viewer.redraw();
  known = detail.photo;
  viewer.refresh();
});
viewer.addEventListener("gone", ({ detail: { item, id } }) => album.gone(item, id));
viewer.addEventListener("trouble", ({ detail }) => say(detail, { trouble: true }));
viewer.addEventListener("view", () => {
  element("magnification").textContent = viewer.size ? `${Math.round(100 * viewer.magnification)} %` : "";
});

// The next photograph is had before it is asked for: who goes through hundreds does not wait for each.
let ahead;
viewer.addEventListener("drawn", () => {
  clearTimeout(ahead);
  ahead = setTimeout(() => {
    const next = album.items[album.items.indexOf(album.selected) + 1];
    if (next?.state === "ready") Pictures.fetch(next);
  }, 500);
});

function show(mode) {
  viewer.mode = stage.dataset.mode = mode;
  document.querySelector(`#bar [value=${mode}]`).checked = true;
  localStorage.setItem("tintype.mode", mode);
  label();
}
for (const input of document.querySelectorAll("#bar [name=mode]")) {
  input.addEventListener("change", () => show(input.value));
}
const remembered = localStorage.getItem("tintype.mode");
show(MODES.includes(remembered) ? remembered : "colour");

function hold(holding) {
  viewer.holding = holding;
  element("hold").setAttribute("aria-pressed", String(holding));
  stage.toggleAttribute("data-holding", holding);
  label();
}
const holdButton = element("hold");
holdButton.addEventListener("pointerdown", (event) => {
  holdButton.setPointerCapture(event.pointerId);
  hold(true);
});
for (const type of ["pointerup", "pointercancel", "blur"]) holdButton.addEventListener(type, () => hold(false));
holdButton.addEventListener("keydown", (event) => {
  if (event.key !== " " && event.key !== "Enter") return;
  event.preventDefault();
  hold(true);
});
holdButton.addEventListener("keyup", () => hold(false));
holdButton.addEventListener("contextmenu", (event) => event.preventDefault());
addEventListener("blur", () => hold(false));

const LARGER = 1.4142;
element("in").onclick = () => viewer.zoom(LARGER);
element("out").onclick = () => viewer.zoom(1 / LARGER);
element("fit").onclick = () => viewer.fit();
element("full").onclick = () => viewer.full();
element("save").onclick = () => downloads.open();
element("open-help").onclick = () => openHelp(keys);

// ---- keys

const shown = () => !!album.selected;
keys.add(
  { key: "o", says: "Add photographs", group: "Photographs", run: choose },
  { key: "PageDown", says: "Next photograph", group: "Photographs", when: shown, run: () => album.step(1) },
  { key: "PageUp", says: "Previous photograph", group: "Photographs", when: shown, run: () => album.step(-1) },
  { key: "Delete", says: "Remove this photograph", group: "Photographs", when: shown, run: removeShown },
  { key: "d", says: "Download", group: "Photographs", when: () => album.ready.length > 0, run: () => downloads.open() },
  { key: "v", says: "Colour, slider, side by side in turn", group: "View", when: shown,
    run: () => show(MODES[(MODES.indexOf(viewer.mode) + 1) % MODES.length]) },
  { key: "c", says: "Hold to see the photograph as it was", group: "View", when: shown, run: () => hold(true), up: () => hold(false) },
  { key: "+", says: "Larger", group: "View", repeats: true, when: shown, run: () => viewer.zoom(LARGER) },
  { key: "=", group: "View", hidden: true, repeats: true, when: shown, run: () => viewer.zoom(LARGER) },
  { key: "-", shown: "−", says: "Smaller", group: "View", repeats: true, when: shown, run: () => viewer.zoom(1 / LARGER) },
  { key: "0", says: "The whole photograph", group: "View", when: shown, run: () => viewer.fit() },
  { key: "1", says: "Every pixel of the photograph", group: "View", when: shown, run: () => viewer.full() },
  { key: "Arrows", control: true, listed: true, shown: "← ↑ → ↓", says: "On the photograph: move it", group: "View" },
  { key: "?", says: "This list", group: "Page", run: () => openHelp(keys) },
);

// ---- what there is at the beginning

api.json("/v1/models").then(
  ({ models }) => {
    element("all-model").replaceChildren(...models.map(({ name, default: standard }) => new Option(standard ? `${name} (default)` : name, standard ? "" : name)));
  },
  () => {}, // whatever is wrong, the photographs will say it
);

tools.attach({ album, viewer, keys, api, say, tell, panel: element("tools") });
await album.restore();
document.body.dataset.ready = "";
