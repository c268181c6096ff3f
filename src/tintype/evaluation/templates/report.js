"use strict";
document.documentElement.classList.add("live");

// Tables: a click on the head of a column sorts by it, the best first; another click turns the order round.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const turned = { ascending: "descending", descending: "ascending" }[head.ariaSort];
      const order = turned ?? head.dataset.first;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const value = (row) => (column === 0 ? row.cells[0].textContent : parseFloat(row.cells[column].dataset.value));
      const known = (row) => column === 0 || !Number.isNaN(value(row));
      const compare = (a, b) => (column === 0 ? value(a).localeCompare(value(b), "en", { numeric: true }) : value(a) - value(b));
      const rows = [...body.rows];
      const sorted = rows.filter(known).sort((a, b) => (order === "ascending" ? compare(a, b) : compare(b, a)));
      body.append(...sorted, ...rows.filter((row) => !known(row)));
    });
  });
}

// The lightbox: the colourings of one photograph in place, so that the eye sees what changes.
const box = document.getElementById("lightbox");
const find = (selector) => box.querySelector(selector);
const strips = [...document.querySelectorAll(".strip")].map((strip) => [...strip.querySelectorAll(".open")]);
let strip = 0; // the photograph,
let place = 0; // its colouring,
let before = null; // and the one that the truth was flicked from.

function show() {
  const button = strips[strip][place];
  const small = button.querySelector("svg");
  const large = find(".stage svg");
  large.setAttribute("viewBox", small.getAttribute("viewBox"));
  large.setAttribute("aria-label", small.getAttribute("aria-label"));
  large.querySelector("use").setAttribute("href", small.querySelector("use").getAttribute("href"));
  find(".name").textContent = button.closest(".strip").dataset.photo;
  find(".caption").textContent = [button.dataset.label, button.dataset.figure].filter(Boolean).join(", ");
  find(".flick").setAttribute("aria-pressed", String(place === strips[strip].length - 1));
  [...find(".ways").children].forEach((way, number) => way.setAttribute("aria-pressed", String(number === place)));
}

function go(to, colouring) {
  strip = (to + strips.length) % strips.length;
  const count = strips[strip].length;
  place = (colouring + count) % count;
  before = null;
  const ways = strips[strip].map((button, number) => {
    const way = document.createElement("button");
    way.type = "button";
    way.textContent = button.dataset.label;
    way.addEventListener("click", () => step(number - place));
    return way;
  });
  find(".ways").replaceChildren(...ways);
  show();
}

function step(by) {
  const count = strips[strip].length;
  place = (place + by + count) % count;
  before = null;
  show();
}

function flick() {
  const last = strips[strip].length - 1;
  if (place === last) {
    place = before ?? Math.max(last - 1, 0);
    before = null;
  } else {
    before = place;
    place = last;
  }
  show();
}

// Another photograph in the same colouring, where it has it.
function turn(by) {
  const label = strips[strip][place].dataset.label;
  const other = strips[(strip + by + strips.length) % strips.length];
  go(strip + by, Math.max(other.findIndex((button) => button.dataset.label === label), 0));
}

strips.forEach((buttons, number) =>
  buttons.forEach((button, colouring) =>
    button.addEventListener("click", () => {
      go(number, colouring);
      box.showModal();
    })
  )
);
find(".close").addEventListener("click", () => box.close());
find(".previous").addEventListener("click", () => step(-1));
find(".next").addEventListener("click", () => step(1));
find(".flick").addEventListener("click", flick);
box.addEventListener("close", () => strips[strip][place].focus());
box.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const act = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    ArrowUp: () => turn(-1),
    ArrowDown: () => turn(1),
    Home: () => step(-place),
    End: () => step(strips[strip].length - 1 - place),
    t: flick,
    T: flick,
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

// A swipe steps, a tap or click on the picture flicks to the truth, one beside the box closes it.
let pressed = null;
find(".stage").addEventListener("pointerdown", (event) => (pressed = event.clientX));
find(".stage").addEventListener("pointerup", (event) => {
  if (pressed === null) return;
  const moved = event.clientX - pressed;
  pressed = null;
  if (Math.abs(moved) > 40) step(moved < 0 ? 1 : -1);
  else if (Math.abs(moved) < 10) flick();
});
find(".stage").addEventListener("pointercancel", () => (pressed = null));
box.addEventListener("click", (event) => {
  const edge = box.getBoundingClientRect();
  const within = event.clientX >= edge.left && event.clientX <= edge.right && event.clientY >= edge.top && event.clientY <= edge.bottom;
  if (event.target === box && !within) box.close();
});
