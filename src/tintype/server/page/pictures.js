// What the viewer draws of one photograph: a small picture of the whole, and tiles where more is to be seen.

import { address, ask, picture, pictures } from "./api.js";

/** Sides of a tile, in pixels of its level. Level 0 is the full size, and each next one half of it. */
export const TILE = 768;

/** Long side of the picture of the whole, in pixels. */
export const WHOLE = 1024;

const wholeSize = ({ width, height }) => Math.min(WHOLE, Math.max(width, height));

const MOST = 96; // tiles that are kept

/** kind: "colour" or "gray". `onload()` is called when there is more to draw; `ongone(id)` when the server does not know
 * the photograph; `onerror(sentence)` when a picture cannot be had.
 */
export class Pictures {
  /** {kind: {look, bitmap}}: the picture of the whole, of which moment, or a substitute until it is there. */
  whole = { colour: null, gray: null };
  #tiles = new Map(); // name -> {kind, look, level, box, bitmap}; in the order of their use
  #asked = new Map(); // name -> AbortController
  #overrides = {};

  /** Has the browser keep the coloured picture of an item that is shown next. */
  static fetch({ id, photo }) {
    const path = address(id, "preview", { size: wholeSize(photo), version: photo.version });
    pictures.run(async () => (await ask(path)).blob(), { urgency: -1 }).catch(() => {});
  }

  constructor(item, { onload, ongone, onerror }) {
    Object.assign(this, { item, onload, ongone, onerror });
  }

  get photo() {
    return this.item.photo;
  }

  /** Settings of this picture alone, such as those of a slider that moves: {vividness, blend, temperature}. */
  set overrides(values) {
    this.#overrides = values ?? {};
  }

  /** What a picture must have been made of to be up to date. */
  look(kind) {
    const { version, settings } = this.photo;
    if (kind === "colour") return JSON.stringify([version, this.#overrides]);
    return JSON.stringify([settings.negative, settings.faded, settings.salvage, settings.page]);
  }

  #parameters(kind) {
    const { version } = this.photo;
    return kind === "gray" ? { gray: 1, version } : { ...this.#overrides, version };
  }

  /** Asks for the picture of the whole where it is not up to date. */
  wantWhole(kind) {
    const look = this.look(kind);
    if (this.whole[kind]?.look === look) return;
    const size = wholeSize(this.photo);
    // While a slider moves, the picture on its way is waited for: to give up each for the next would show none.
    this.#ask(`${kind} whole`, look, { size, ...this.#parameters(kind) }, 3, (bitmap) => {
      this.whole[kind]?.bitmap.close();
      this.whole[kind] = { look, bitmap };
      if (look !== this.look(kind)) this.wantWhole(kind);
    });
  }

  /** The level whose pixels are at least as fine as `scale` pixels of the screen to one of the photograph. */
  level(scale) {
    return Math.max(0, Math.floor(Math.log2(1 / scale) + 0.01));
  }

  /** Whether the picture of the whole is too coarse at a scale. */
  needsTiles(scale) {
    const needed = Math.min(1, scale) * Math.max(this.photo.width, this.photo.height);
    // A little enlarged, nobody sees it, but at 100 % every pixel is the photograph's own.
    return needed > (scale > 0.95 ? 1 : 1.25) * WHOLE;
  }

  /** The boxes [x, y, width, height] of the tiles of a level that touch a part of the photograph. */
  boxes(level, [left, top, right, bottom]) {
    const { width, height } = this.photo;
    const side = TILE * 2 ** level;
    const found = [];
    for (let y = Math.floor(Math.max(0, top) / side) * side; y < Math.min(height, bottom); y += side) {
      for (let x = Math.floor(Math.max(0, left) / side) * side; x < Math.min(width, right); x += side) {
        found.push([x, y, Math.min(side, width - x), Math.min(side, height - y)]);
      }
    }
    return found;
  }

  /** Asks for tiles, and gives up those on their way that nobody wants any more. */
  wantTiles(wanted) {
    const names = new Set();
    for (const { kind, level, box } of wanted) {
      const look = this.look(kind);
      const name = `${kind} ${level} ${box}`;
      names.add(name);
      if (this.#tiles.get(name)?.look === look) continue;
      const longest = Math.max(this.photo.width, this.photo.height);
      const size = Math.max(1, Math.round(longest / 2 ** level));
      const parameters = { size, box: box.join(), ...this.#parameters(kind) };
      this.#ask(name, look, parameters, 2, (bitmap) => {
        this.#tiles.get(name)?.bitmap.close();
        this.#tiles.delete(name);
        this.#tiles.set(name, { kind, look, level, box, bitmap });
        for (const [other, tile] of this.#tiles) {
          if (this.#tiles.size <= MOST) break;
          tile.bitmap.close();
          this.#tiles.delete(other);
        }
      });
    }
    for (const [name, { controller }] of this.#asked) {
      if (!name.endsWith("whole") && !names.has(name)) controller.abort();
    }
  }

  /** A tile that is there, up to date or not, or undefined. */
  tile(kind, level, box) {
    const name = `${kind} ${level} ${box}`;
    const tile = this.#tiles.get(name);
    if (tile) {
      this.#tiles.delete(name);
      this.#tiles.set(name, tile);
    }
    return tile;
  }

  /** All tiles of other levels that are up to date, the coarsest first. */
  others(kind, level) {
    const look = this.look(kind);
    const found = [...this.#tiles.values()].filter((t) => t.kind === kind && t.level !== level && t.look === look);
    return found.sort((a, b) => b.level - a.level);
  }

  /** Whether a picture is on its way. */
  get loading() {
    return this.#asked.size > 0;
  }

  #ask(name, look, parameters, urgency, took) {
    const asked = this.#asked.get(name);
    if (asked?.look === look || (asked && name.endsWith("whole"))) return;
    asked?.controller.abort();
    const controller = new AbortController();
    this.#asked.set(name, { look, controller });
    const { signal } = controller;
    const done = () => this.#asked.get(name)?.controller === controller && this.#asked.delete(name);
    const { id } = this.item;
    picture(address(id, "preview", parameters), { urgency, signal }).then(
      (bitmap) => {
        done();
        if (signal.aborted || id !== this.item.id) return bitmap.close();
        took(bitmap);
        this.onload();
      },
      (error) => {
        done();
        if (signal.aborted) return;
        if (error.status === 404) this.ongone(id);
        else this.onerror(error.message);
      },
    );
  }

  /** Gives up what is on its way, and lets go of what is there. */
  close() {
    for (const { controller } of this.#asked.values()) controller.abort();
    for (const { bitmap } of this.#tiles.values()) bitmap.close();
    for (const picture of Object.values(this.whole)) picture?.bitmap.close();
    this.#tiles.clear();
    this.whole = { colour: null, gray: null };
  }
}
