// The thumbnails of the photographs, with how far each is.

import { remedies } from "./about.js";
import { address, ask, pictures } from "./api.js";
import { ownPicture } from "./own.js";

const MARGIN = 24; // CSS pixels that are seen beside the thumbnail of the one that is shown
const SIZE = 224; // long side of a thumbnail, in pixels

const WORDS = { waiting: "waiting", sending: "sending", looking: "colouring", failed: "failed" };

export class Strip {
  #nodes = new Map(); // item -> its node
  #drawn = new WeakMap(); // item -> what its thumbnail shows
  #seen = new IntersectionObserver((entries) => this.#scrolled(entries), { rootMargin: "0px 400px" });
  #inSight = new WeakSet();

  constructor(element, album) {
    this.element = element;
    this.list = element.querySelector("ul");
    this.album = album;
    album.addEventListener("list", () => this.#list());
    album.addEventListener("item", ({ detail }) => this.#show(detail));
    album.addEventListener("picture", ({ detail }) => this.#draw(detail));
    album.addEventListener("select", () => this.#select());
    element.addEventListener("keydown", (event) => this.#key(event));
    this.#list();
  }

  /** Focus on the thumbnail of the photograph that is shown. */
  focus() {
    this.#nodes.get(this.album.selected)?.button.focus();
  }

  #list() {
    for (const [item, node] of this.#nodes) {
      if (this.album.items.includes(item)) continue;
      this.#seen.unobserve(node.place);
      if (node.image.src) URL.revokeObjectURL(node.image.src);
      node.place.remove();
      this.#nodes.delete(item);
    }
    this.album.items.forEach((item, i) => {
      const node = this.#nodes.get(item) ?? this.#make(item);
      if (this.list.children[i] !== node.place) this.list.insertBefore(node.place, this.list.children[i] ?? null);
      this.#show(item);
    });
    this.#select();
  }

  #make(item) {
    const place = document.createElement("li");
    const button = document.createElement("button");
    const image = new Image();
    image.alt = "";
    image.hidden = true;
    image.draggable = false;
    const mark = document.createElement("span");
    mark.className = "mark";
    const state = document.createElement("span");
    state.className = "state";
    const fault = document.createElement("span");
    fault.className = "spoken";
    const done = document.createElement("span");
    done.className = "done";
    button.append(mark, image, state, fault, done);
    button.onclick = () => this.album.select(item);
    place.append(button);
    place.item = item;
    const node = { place, button, image, mark, state, fault, done };
    this.#nodes.set(item, node);
    this.#seen.observe(place);
    return node;
  }

  #show(item) {
    const node = this.#nodes.get(item);
    if (!node) return;
    const { button, mark, state, fault, done } = node;
    const name = item.label;
    const words = WORDS[item.state] ?? "";
    const said = remedies(item.sentence).sentence;
    button.dataset.state = item.state;
    button.className = item.state === "failed" ? "failed" : "";
    button.title = said || name;
    mark.textContent = name;
    fault.textContent = said;
    state.textContent = words;
    state.hidden = !words;
    done.hidden = item.state !== "sending";
    done.style.width = `${100 * item.progress}%`;
    this.#draw(item);
  }

  #select() {
    for (const [item, { button }] of this.#nodes) {
      const current = item === this.album.selected;
      button.setAttribute("aria-current", String(current));
      button.tabIndex = current ? 0 : -1;
    }
    const place = this.#nodes.get(this.album.selected)?.place;
    if (!place) return;
    // scrollIntoView() would also move where Tab goes on from.
    const { element } = this;
    const [left, right] = [place.offsetLeft - MARGIN, place.offsetLeft + place.offsetWidth + MARGIN];
    if (left < element.scrollLeft) element.scrollLeft = left;
    else if (right > element.scrollLeft + element.clientWidth) element.scrollLeft = right - element.clientWidth;
  }

  #key(event) {
    const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
    const { items, selected } = this.album;
    let place = items.indexOf(selected);
    if (event.key in steps) place += steps[event.key];
    else if (event.key === "Home") place = 0;
    else if (event.key === "End") place = items.length - 1;
    else return;
    event.preventDefault();
    if (!items[place]) return;
    this.album.select(items[place]);
    this.focus();
  }

  // ---- pictures, of those in sight alone

  #scrolled(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#inSight.add(target.item);
      else this.#inSight.delete(target.item);
      if (isIntersecting) this.#draw(target.item);
    }
  }

  async #draw(item) {
    const node = this.#nodes.get(item);
    if (!node || !this.#inSight.has(item)) return;
    const look = item.photo ? `${item.photo.id} ${item.photo.version}` : "file";
    if (this.#drawn.get(item) === look || (look === "file" && !item.file)) return;
    this.#drawn.set(item, look);
    try {
      const blob = await (item.photo ? this.#coloured(item) : this.#own(item.file));
      if (this.#drawn.get(item) !== look || !this.#nodes.has(item)) return;
      const { image } = node;
      if (image.src) URL.revokeObjectURL(image.src);
      image.src = URL.createObjectURL(blob);
      await image.decode();
      image.hidden = false;
      node.mark.className = "mark spoken";
    } catch {
      if (this.#drawn.get(item) === look && item.photo) this.#drawn.delete(item); // drawn when it is next seen
    }
  }

  #coloured(item) {
    const path = address(item.id, "preview", { size: SIZE, version: item.photo.version });
    return pictures.run(async () => (await ask(path)).blob(), { urgency: item === this.album.selected ? 1 : 0 });
  }

  /** The file as this browser shows it, until it is coloured. */
  async #own(file) {
    const bitmap = await ownPicture(file);
    const factor = SIZE / Math.max(bitmap.width, bitmap.height);
    const canvas = new OffscreenCanvas(Math.ceil(bitmap.width * factor), Math.ceil(bitmap.height * factor));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return canvas.convertToBlob({ type: "image/jpeg" });
  }
}
