// The photograph on the screen: before and after, zoom and pan, and where on it a pointer is.

import { ownPicture } from "./own.js";
import { Pictures } from "./pictures.js";

const MARGIN = 16; // CSS pixels around a photograph that fits
const LARGEST = 16; // pixels of the screen to one of the photograph
const STEP = 64; // CSS pixels that an arrow key moves the photograph
const FADE = 350; // milliseconds in which the first colours come
const AGAIN = 3000; // milliseconds until a picture that failed is asked for again
const NEAR = { mouse: 4, pen: 6, touch: 10 }; // CSS pixels that a pointer may move and still has not dragged

export const MODES = ["colour", "slider", "side"];

/** Draws one item of the album into `stage`, which holds a canvas, `.layer` and the handle of the slider, `.divider`.
 *
 * Places are in pixels of the upright photograph at full size, as those of hints; `scale` is CSS pixels to one of them.
 * Events: "view" (where the photograph lies on the screen, or which item is shown, may have changed), "drawn" (a picture
 * from the server came onto the screen), "trouble" (detail: a sentence), "gone" (detail: {item, id} that the server does
 * not know), "place" (detail: {x, y} under the pointer, or null).
 */
export class Viewer extends EventTarget {
  item = null;
  scale = 1;
  fitted = true;
  /** Who takes taps and drags of the photograph; see API.md. */
  tool = null;
  #centre = [0, 0];
  #mode = "colour";
  #share = 0.5; // of the visible photograph, left of the divider
  #holding = false;
  #pictures = null;
  #substitute = null;
  #cover = null;
  #exact = null; // [width, height] of the canvas on the screen, in its pixels
  #frame = 0;
  #tilesTimer = 0;
  #againTimer = 0;
  #coming = 0; // when the first colours came
  #pointers = new Map();
  #gesture = null;
  #spaced = false;

  constructor(stage) {
    super();
    this.stage = stage;
    this.canvas = stage.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    /** Lies over the coloured picture; children that shall take pointers need `pointer-events: auto`. */
    this.layer = stage.querySelector(".layer");
    this.divider = stage.querySelector(".divider");
    this.#watchSize();
    this.#listen();
  }

  // ---- what is shown

  /** Shows an item of the album, or nothing. */
  show(item) {
    this.#pictures?.close();
    this.#pictures = this.#substitute = this.#cover = null;
    this.#coming = 0;
    clearTimeout(this.#againTimer);
    this.item = item;
    this.fitted = true;
    this.#cancel();
    if (item) {
      this.#pictures = new Pictures(item, {
        onload: () => this.#loaded(),
        ongone: (id) => this.#tell("gone", { item, id }),
        onerror: (sentence) => this.#failed(sentence),
      });
      if (item.file && !item.reading.negative) this.#substituteFor(item);
    }
    this.refresh();
  }

  /** The server's picture of the item may be another one now. */
  refresh() {
    if (this.fitted) this.#fit();
    this.#clamp();
    this.#want();
    this.redraw();
  }

  /** Settings for the picture on the screen alone, while a slider moves: {vividness, blend, temperature}, or null. */
  live(overrides) {
    if (!this.#pictures) return;
    this.#pictures.overrides = overrides;
    this.#want();
  }

  /** A picture with transparent parts that is drawn over the coloured photograph, or null. */
  set cover(image) {
    this.#cover = image;
    this.redraw();
  }

  get cover() {
    return this.#cover;
  }

  /** "colour", "slider" (before on its left, after on its right) or "side" (both). */
  get mode() {
    return this.#mode;
  }

  set mode(mode) {
    this.#mode = mode;
    this.refresh();
  }

  /** Whether the photograph is shown as it was, for as long as somebody holds a key or a button. */
  get holding() {
    return this.#holding;
  }

  set holding(holding) {
    if (this.#holding === holding) return;
    this.#holding = holding;
    this.refresh();
  }

  /** Where the divider stands: 0 to 1 across the part of the photograph that is on the screen. */
  get share() {
    return this.#share;
  }

  set share(share) {
    this.#share = Math.min(1, Math.max(0, share));
    this.redraw();
  }

  /** Width and height of the photograph, or null while the server does not know it. */
  get size() {
    const photo = this.item?.photo;
    return photo ? [photo.width, photo.height] : null;
  }

  // ---- where it is on the screen

  get #ratio() {
    return window.devicePixelRatio || 1;
  }

  /** Pixels of the screen to one of the photograph: 1 is 100 %. */
  get magnification() {
    return this.scale * this.#ratio;
  }

  /** {kind, x, y, width, height} of the one or two pictures, in CSS pixels of the stage. */
  get panes() {
    const width = this.stage.clientWidth;
    const height = this.stage.clientHeight;
    if (this.#mode !== "side") return [{ kind: "colour", x: 0, y: 0, width, height }];
    const gap = 2;
    if (width >= height) {
      const half = (width - gap) / 2;
      return [
        { kind: "gray", x: 0, y: 0, width: half, height },
        { kind: "colour", x: half + gap, y: 0, width: half, height },
      ];
    }
    const half = (height - gap) / 2;
    return [
      { kind: "gray", x: 0, y: 0, width, height: half },
      { kind: "colour", x: 0, y: half + gap, width, height: half },
    ];
  }

  get #pane() {
    return this.panes.at(-1);
  }

  /** Where the corner of the photograph lies in a pane: on whole pixels of the screen, so that 100 % is exact. */
  #corner({ width, height }) {
    const ratio = this.#ratio;
    const x = width / 2 - this.#centre[0] * this.scale;
    const y = height / 2 - this.#centre[1] * this.scale;
    return [Math.round(x * ratio) / ratio, Math.round(y * ratio) / ratio];
  }

  /** A place of the photograph in CSS pixels of `layer`. */
  toScreen(x, y) {
    const [left, top] = this.#corner(this.#pane);
    return { x: left + x * this.scale, y: top + y * this.scale };
  }

  /** What lies at a point of the window: {x, y, inside, kind}; kind: "colour" or "gray". */
  toPhoto(clientX, clientY) {
    const box = this.stage.getBoundingClientRect();
    const [x, y] = [clientX - box.left, clientY - box.top];
    const panes = this.panes;
    const pane = panes.find((p) => x >= p.x && x < p.x + p.width && y >= p.y && y < p.y + p.height) ?? panes.at(-1);
    const [left, top] = this.#corner(pane);
    const place = { x: (x - pane.x - left) / this.scale, y: (y - pane.y - top) / this.scale };
    const [width, height] = this.size ?? [0, 0];
    const inside = place.x >= 0 && place.y >= 0 && place.x < width && place.y < height;
    let { kind } = pane;
    if (this.#mode === "slider" && x < this.#dividerAt()) kind = "gray";
    return { ...place, inside, kind };
  }

  /** The place in the middle of the screen. */
  get middle() {
    return { x: this.#centre[0], y: this.#centre[1] };
  }

  /** [left, top, right, bottom] of what is on the screen. */
  get visible() {
    const [width, height] = this.size ?? [0, 0];
    const pane = this.#pane;
    const [left, top] = this.#corner(pane);
    return [
      Math.max(0, -left / this.scale),
      Math.max(0, -top / this.scale),
      Math.min(width, (pane.width - left) / this.scale),
      Math.min(height, (pane.height - top) / this.scale),
    ];
  }

  get #fitting() {
    const [width, height] = this.size;
    const pane = this.#pane;
    const margin = Math.min(MARGIN, pane.width / 20, pane.height / 20);
    const scale = Math.min((pane.width - 2 * margin) / width, (pane.height - 2 * margin) / height);
    return Math.max(1e-4, Math.min(scale, 4));
  }

  #fit() {
    if (!this.size) return;
    this.scale = this.#fitting;
    this.#centre = [this.size[0] / 2, this.size[1] / 2];
  }

  #clamp() {
    if (!this.size) return;
    const pane = this.#pane;
    const least = Math.min(this.#fitting, 1 / this.#ratio);
    this.scale = Math.min(Math.max(this.scale, least), Math.max(LARGEST / this.#ratio, this.#fitting));
    [pane.width, pane.height].forEach((side, i) => {
      const half = side / 2 / this.scale;
      const room = MARGIN / this.scale;
      const [low, high] = [half - room, this.size[i] - half + room];
      this.#centre[i] = low > high ? this.size[i] / 2 : Math.min(Math.max(this.#centre[i], low), high);
    });
  }

  /** The whole photograph. */
  fit() {
    this.fitted = true;
    this.refresh();
  }

  /** One pixel of the screen to one of the photograph, with a place kept where it is: {x, y}. */
  full(place) {
    this.zoomTo(1 / this.#ratio, place);
  }

  /** Makes it larger or smaller, by a factor. */
  zoom(factor, place) {
    this.zoomTo(this.scale * factor, place);
  }

  /** Another scale, with a place of the photograph kept where it is on the screen; by default the middle. */
  zoomTo(scale, place = this.middle) {
    if (!this.size) return;
    const old = this.scale;
    this.scale = scale;
    this.fitted = false;
    this.#clamp();
    const kept = [place.x, place.y];
    this.#centre = this.#centre.map((middle, i) => kept[i] + ((middle - kept[i]) * old) / this.scale);
    if (Math.abs(this.scale - this.#fitting) < 1e-6) return this.fit();
    this.refresh();
  }

  /** Moves the photograph by CSS pixels. */
  pan(right, down) {
    if (!this.size) return;
    this.#centre = [this.#centre[0] - right / this.scale, this.#centre[1] - down / this.scale];
    this.fitted = false;
    this.refresh();
  }

  /** Brings a place into the middle of the screen; `radius`: what around it should be seen, in its pixels. */
  reveal({ x, y }, radius = 0) {
    if (!this.size) return;
    this.#centre = [x, y];
    if (radius) {
      const pane = this.#pane;
      this.scale = Math.min(Math.max(this.#fitting, Math.min(pane.width, pane.height) / (8 * radius)), 1);
    }
    this.fitted = this.scale <= this.#fitting;
    this.refresh();
  }

  // ---- drawing

  #watchSize() {
    const observer = new ResizeObserver(([entry]) => {
      const exact = entry.devicePixelContentBoxSize?.[0];
      this.#exact = exact ? [exact.inlineSize, exact.blockSize] : null;
      this.refresh();
      this.#draw();
    });
    try {
      observer.observe(this.canvas, { box: "device-pixel-content-box" });
    } catch {
      observer.observe(this.canvas);
    }
    // Another screen, or the zoom of the browser.
    const watch = () =>
      matchMedia(`(resolution: ${this.#ratio}dppx)`).addEventListener("change", () => (this.refresh(), watch()), { once: true });
    watch();
  }

  /** Gives the canvas as many pixels as the screen has there. */
  #resize() {
    const sides = [this.stage.clientWidth, this.stage.clientHeight].map((side) => Math.round(side * this.#ratio));
    // Where the stage begins or ends within a pixel, the browser knows it better.
    const near = this.#exact?.every((side, i) => Math.abs(side - sides[i]) <= 1);
    const [width, height] = near ? this.#exact : sides;
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
  }

  async #substituteFor(item) {
    try {
      const bitmap = await ownPicture(item.file, 1);
      if (this.item !== item || this.#pictures.whole.colour) return;
      this.#substitute = bitmap;
      this.redraw();
    } catch {
      // A kind of file that this browser does not show: the server will.
    }
  }

  #loaded() {
    if (!this.#coming && this.#pictures.whole.colour) {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.#coming = calm || !this.#substitute ? -FADE : performance.now();
    }
    this.redraw();
    this.#want();
    this.#tell("drawn", this.item);
  }

  #failed(sentence) {
    this.#tell("trouble", sentence);
    clearTimeout(this.#againTimer);
    this.#againTimer = setTimeout(() => this.#want(), AGAIN);
  }

  get #kinds() {
    if (this.#holding) return ["gray"];
    return this.#mode === "colour" ? ["colour"] : ["colour", "gray"];
  }

  /** Asks for what is missing on the screen. */
  #want() {
    clearTimeout(this.#tilesTimer);
    if (!this.size) return;
    for (const kind of this.#kinds) this.#pictures.wantWhole(kind);
    // Not before the picture rests: who moves on does not want what is here.
    this.#tilesTimer = setTimeout(() => {
      if (!this.size) return;
      const scale = this.magnification;
      const level = this.#pictures.level(scale);
      const boxes = this.#pictures.needsTiles(scale) ? this.#pictures.boxes(level, this.visible) : [];
      this.#pictures.wantTiles(this.#kinds.flatMap((kind) => boxes.map((box) => ({ kind, level, box }))));
      this.#busy();
    }, 60);
    this.#busy();
  }

  #busy() {
    const busy = String(!!(this.#pictures?.loading || this.item?.asked || this.item?.wanted));
    if (this.stage.getAttribute("aria-busy") !== busy) this.stage.setAttribute("aria-busy", busy);
  }

  /** Draws before the screen shows its next frame. */
  redraw() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { context, canvas } = this;
    const ratio = this.#ratio;
    this.#resize();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingQuality = "high";
    context.imageSmoothingEnabled = !this.size || this.magnification < 2.5;
    const divides = this.#mode === "slider" && !this.#holding && !!this.size;
    for (const pane of this.panes) {
      const kind = this.#holding ? "gray" : pane.kind;
      this.#drawPane(pane, kind, pane.x, pane.width);
      if (divides) this.#drawPane(pane, "gray", pane.x, this.#dividerAt());
    }
    const pane = this.#pane;
    Object.assign(this.layer.style, {
      left: `${pane.x}px`,
      top: `${pane.y}px`,
      width: `${pane.width}px`,
      height: `${pane.height}px`,
    });
    this.stage.toggleAttribute("data-ready", !!this.size);
    this.divider.hidden = !divides;
    if (divides) {
      this.divider.style.left = `${this.#dividerAt()}px`;
      this.divider.setAttribute("aria-valuenow", String(Math.round(100 * this.#share)));
      this.divider.setAttribute("aria-valuetext", `${Math.round(100 * this.#share)} % black and white`);
    }
    this.#busy();
    this.#tell("view");
  }

  /** CSS pixels from the left edge of the stage. */
  #dividerAt() {
    const [left, , right] = this.visible;
    const [corner] = this.#corner(this.#pane);
    return corner + (left + (right - left) * this.#share) * this.scale;
  }

  #drawPane(pane, kind, clipLeft, clipWidth) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(clipLeft, pane.y, clipWidth, pane.height);
    context.clip();
    context.translate(pane.x, pane.y);
    if (this.size) this.#drawPhoto(pane, kind);
    else if (this.#substitute) this.#drawSubstitute(pane);
    context.restore();
  }

  /** The file as the browser shows it, until the server has it. */
  #drawSubstitute(pane) {
    const { width, height } = this.#substitute;
    const scale = Math.min((pane.width - 2 * MARGIN) / width, (pane.height - 2 * MARGIN) / height, 4);
    const [w, h] = [width * scale, height * scale];
    this.context.filter = "grayscale(1)";
    this.context.drawImage(this.#substitute, (pane.width - w) / 2, (pane.height - h) / 2, w, h);
    this.context.filter = "none";
  }

  #drawPhoto(pane, kind) {
    const { context } = this;
    const pictures = this.#pictures;
    const [width, height] = this.size;
    const [left, top] = this.#corner(pane);
    context.translate(left, top);
    context.scale(this.scale, this.scale);
    const whole = pictures.whole[kind];
    const current = whole?.look === pictures.look(kind);
    const come = kind === "colour" ? Math.min(1, (performance.now() - this.#coming) / FADE) : 1;
    if (this.#substitute && (!whole || come < 1)) {
      context.filter = "grayscale(1)";
      context.drawImage(this.#substitute, 0, 0, width, height);
      context.filter = "none";
    }
    if (whole) {
      context.globalAlpha = come;
      context.drawImage(whole.bitmap, 0, 0, width, height);
      context.globalAlpha = 1;
      if (come < 1) return requestAnimationFrame(() => this.redraw());
    }
    if (pictures.needsTiles(this.magnification)) {
      const level = pictures.level(this.magnification);
      for (const { box, bitmap } of pictures.others(kind, level)) context.drawImage(bitmap, ...box);
      for (const box of pictures.boxes(level, this.visible)) {
        const tile = pictures.tile(kind, level, box);
        const fresh = tile?.look === pictures.look(kind);
        const lightness = tile ?? (kind === "colour" ? pictures.tile("gray", level, box) : undefined);
        if (!lightness) continue;
        context.drawImage(lightness.bitmap, ...box);
        // Until the tile of these colours is there, its lightness, which no colour changes, under the coarse colours.
        if (!fresh && current && kind === "colour") {
          context.save();
          context.beginPath();
          context.rect(...box);
          context.clip();
          context.globalCompositeOperation = "color";
          context.drawImage(whole.bitmap, 0, 0, width, height);
          context.restore();
        }
      }
    }
    if (this.#cover && kind === "colour" && this.#cover.width) context.drawImage(this.#cover, 0, 0, width, height);
  }

  // ---- pointers, wheel and keys

  #listen() {
    const { stage } = this;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#up(event));
    stage.addEventListener("pointercancel", (event) => this.#up(event, true));
    stage.addEventListener("pointerleave", (event) => {
      if (!this.#pointers.has(event.pointerId)) this.#hover(null, event);
    });
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("keydown", (event) => this.#key(event));
    stage.addEventListener("keyup", (event) => {
      if (event.code === "Space") this.#spaced = false;
    });
    stage.addEventListener("dblclick", (event) => {
      if (this.tool || !this.size || event.target !== this.canvas) return;
      if (this.fitted) this.full(this.toPhoto(event.clientX, event.clientY));
      else this.fit();
    });
    this.divider.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.2, PageUp: 0.2 };
      const ends = { Home: 0, End: 1 };
      if (event.key in step) this.share += step[event.key];
      else if (event.key in ends) this.share = ends[event.key];
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  #down(event) {
    const onDivider = event.target.closest?.(".divider");
    if (event.target !== this.canvas && !onDivider && event.target !== this.layer && event.target !== this.stage) return;
    if (event.button > 1) return;
    if (event.button === 1) event.preventDefault();
    this.stage.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.#pointers.size === 2) {
      this.#cancel();
      this.#gesture = { kind: "pinch", ...this.#pinch() };
    } else if (this.#pointers.size === 1) {
      const place = this.toPhoto(event.clientX, event.clientY);
      let kind = "pan";
      if (onDivider) kind = "divide";
      else if (event.button === 0 && !this.#spaced && this.size && this.tool?.down?.(place, event)) kind = "tool";
      this.#gesture = { kind, from: [event.clientX, event.clientY], last: [event.clientX, event.clientY], moved: false };
      this.#gesture.pans = event.button === 1 || this.#spaced;
      if (!onDivider) this.stage.focus({ preventScroll: true });
    }
  }

  #move(event) {
    const known = this.#pointers.has(event.pointerId);
    if (!known) return this.#hover(this.toPhoto(event.clientX, event.clientY), event);
    const now = [event.clientX, event.clientY];
    this.#pointers.set(event.pointerId, now);
    const gesture = this.#gesture;
    if (!gesture) return;
    if (gesture.kind === "pinch") {
      const { middle, apart } = this.#pinch();
      const place = this.toPhoto(...gesture.middle);
      const [dx, dy] = [middle[0] - gesture.middle[0], middle[1] - gesture.middle[1]];
      this.zoom(apart / gesture.apart, place);
      this.pan(dx, dy);
      Object.assign(gesture, { middle, apart });
      return;
    }
    const [dx, dy] = [now[0] - gesture.last[0], now[1] - gesture.last[1]];
    const near = NEAR[event.pointerType] ?? NEAR.mouse;
    gesture.moved ||= Math.hypot(now[0] - gesture.from[0], now[1] - gesture.from[1]) > near;
    if (gesture.kind === "tool") this.tool?.move?.(this.toPhoto(...now), event);
    else if (gesture.kind === "divide") {
      const [left, , right] = this.visible;
      this.share = (this.toPhoto(...now).x - left) / (right - left);
    } else if (gesture.moved) {
      this.stage.classList.add("panning");
      // A photograph that fits cannot be panned, and shall not be taken for one that was.
      if (!this.fitted) this.pan(dx, dy);
    } else return;
    gesture.last = now;
  }

  #up(event, cancelled = false) {
    if (!this.#pointers.delete(event.pointerId)) return;
    const gesture = this.#gesture;
    this.#gesture = null;
    this.stage.classList.remove("panning");
    if (gesture?.kind === "pinch") {
      // The finger that stays goes on panning.
      const [left] = this.#pointers.values();
      if (left) this.#gesture = { kind: "pan", from: left, last: left, moved: true, pans: true };
      return;
    }
    if (!gesture) return;
    const place = this.toPhoto(event.clientX, event.clientY);
    if (gesture.kind === "tool") {
      if (cancelled) this.tool?.cancel?.();
      else this.tool?.up?.(place, event);
    } else if (gesture.kind === "pan" && !gesture.moved && !gesture.pans && !cancelled && place.inside) {
      this.tool?.tap?.(place, event);
    }
  }

  #cancel() {
    if (this.#gesture?.kind === "tool") this.tool?.cancel?.();
    this.#gesture = null;
  }

  #pinch() {
    const [[ax, ay], [bx, by]] = this.#pointers.values();
    return { middle: [(ax + bx) / 2, (ay + by) / 2], apart: Math.max(1, Math.hypot(ax - bx, ay - by)) };
  }

  #hover(place, event) {
    const inside = place?.inside ? place : null;
    this.tool?.hover?.(inside, event);
    this.#tell("place", inside);
  }

  #wheel(event) {
    if (!this.size) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const amount = Math.min(Math.max(event.deltaY * lines, -240), 240);
    this.zoom(Math.exp(-amount * (event.ctrlKey ? 0.01 : 0.002)), this.toPhoto(event.clientX, event.clientY));
  }

  #key(event) {
    if (event.target !== this.stage || !this.size) return;
    if (this.tool?.key?.(event)) return event.preventDefault();
    if (event.altKey) return;
    const far = event.shiftKey ? 4 * STEP : STEP;
    const ways = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] };
    if (event.code === "Space") this.#spaced = true;
    else if (event.key in ways) this.pan(...ways[event.key]);
    else return;
    event.preventDefault();
  }

  #tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
