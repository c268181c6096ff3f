// The photographs of this page: which there are, how far each is, and what the server knows of it.

import { Lane, Refusal, address, json, send } from "./api.js";
import * as waiting from "./waiting.js";

const KEPT = "tintype.album";
const SENDING = 2; // photographs on their way at a time

/** One after the other, so that the browser's disk is not in the way of the photographs. */
const storing = new Lane(1);

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// crypto.randomUUID() is only there on https and on this machine itself.
const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");

/** One photograph of the page, from the moment it is dropped.
 *
 * state: "waiting" (for its turn), "sending", "looking" (the server colours it), "ready" or "failed".
 * progress: share that was sent, 0 to 1. sentence: what went wrong, or why it waits. photo: the server's Photo, or null.
 * file: the File, or null where this page was loaded again since. reading: how to read it: {model, negative, faded,
 * salvage, page}.
 */
class Item {
  id = null; // the server's
  progress = 0;
  sentence = "";
  photo = null;
  state = "waiting";
  asked = null; // {settings, hints} that are on their way to the server,
  wanted = null; // and those that follow
  restored = null; // the same, that it gets back once the server has it again
  last = null; // the same, as it was before the page was loaded again
  syncing = null;
  stored = false; // whether the browser keeps the file until it is sent
  controller = null;

  constructor(key, name, file, reading) {
    Object.assign(this, { key, name, file, reading });
  }

  /** Whether nobody has its file any more but the user. */
  get lost() {
    return this.state === "failed" && !this.id && !this.file && !this.stored;
  }

  /** What to call it: its name, and the page where its file has several. */
  get label() {
    const page = this.settings.page ?? this.reading.page;
    return page ? `${this.name}, page ${page}` : this.name;
  }

  /** What the user asked for: what the server has, and what is still on its way there. */
  get settings() {
    return { ...this.photo?.settings, ...this.asked?.settings, ...this.wanted?.settings };
  }

  get hints() {
    return this.wanted?.hints ?? this.asked?.hints ?? this.photo?.hints ?? [];
  }
}

/** Events: "list" (photographs came or went), "item" (detail: the item that changed), "picture" (detail: the item whose
 * coloured picture changed), "select" (another one is shown), "change" (detail: {item, before, after}, each {settings,
 * hints}, as the user changed them), "refused" (detail: {item, sentence}; a change that the server did not take).
 */
export class Album extends EventTarget {
  items = [];
  selected = null;
  #lane = new Lane(SENDING);
  #removed = new Set();
  #keeping = null;

  // ---- which there are

  /** Adds files and returns their items. One that was lost goes on as what it was, with its settings and hints. */
  add(files, reading = {}) {
    const items = [...files].map((file) => {
      const lost = this.items.find((item) => item.lost && item.name === file.name);
      const item = lost ?? new Item(newKey(), file.name, file, { ...reading });
      item.file = file;
      if (!lost) this.items.push(item);
      return item;
    });
    for (const item of items) this.#queue(item);
    this.#tell("list");
    if (!this.selected && items.length) this.select(items[0]);
    return items;
  }

  select(item) {
    if (item === this.selected) return;
    this.selected = item;
    this.#tell("select");
  }

  /** The next one in the strip, or the one before. */
  step(by) {
    const place = this.items.indexOf(this.selected) + by;
    if (this.items[place]) this.select(this.items[place]);
  }

  /** Takes an item out; `finish()` of what it returns deletes it for good, `undo()` brings it back. */
  remove(item) {
    const place = this.items.indexOf(item);
    this.items.splice(place, 1);
    item.controller?.abort();
    this.#removed.add(item);
    if (item === this.selected) this.select(this.items[Math.min(place, this.items.length - 1)] ?? null);
    this.#tell("list");
    return {
      undo: () => {
        if (!this.#removed.delete(item)) return;
        this.items.splice(Math.min(place, this.items.length), 0, item);
        if (!item.photo && item.state !== "failed") this.#queue(item);
        this.#tell("list");
        this.select(item);
      },
      finish: () => {
        if (!this.#removed.delete(item)) return;
        this.#unstore(item);
        if (item.id) json(address(item.id, ""), { method: "DELETE", keepalive: true }).catch(() => {});
      },
    };
  }

  get ready() {
    return this.items.filter((item) => item.state === "ready");
  }

  get busy() {
    return this.items.filter((item) => ["waiting", "sending", "looking"].includes(item.state));
  }

  // ---- sending

  /** Sends an item once more, read in another way where `reading` says so. */
  async retry(item, reading = {}) {
    Object.assign(item.reading, reading);
    await this.#find(item);
    if (!item.file && item.id) return this.#refresh(item);
    if (!item.file) return this.#set(item, { state: "failed", sentence: `Add ${item.name} again: this page no longer has it.` });
    this.#queue(item);
  }

  /** Another item of the same file: another page of it, for instance. */
  async again(item, reading) {
    await this.#find(item);
    const copy = new Item(newKey(), item.name, item.file, { ...item.reading, ...reading });
    this.items.splice(this.items.indexOf(item) + 1, 0, copy);
    this.#queue(copy);
    this.#tell("list");
    return copy;
  }

  /** The file of an item that is from before this page was loaded again. */
  async #find(item) {
    if (item.file) return;
    item.file = await waiting.find(item.key);
    item.stored = !!item.file;
  }

  #queue(item) {
    this.#set(item, { state: "waiting", sentence: "", progress: 0 });
    if (!item.stored) storing.run(() => this.#store(item));
    const controller = (item.controller = new AbortController());
    const { signal } = controller;
    const work = async () => {
      this.#set(item, { state: "sending" });
      const photo = await send(item.file, item.reading, {
        signal,
        progress: (share) => this.#set(item, { state: share < 1 ? "sending" : "looking", progress: share, sentence: "" }),
        busy: (sentence) => this.#set(item, { state: "waiting", sentence }),
      });
      this.#took(item, photo);
      this.#set(item, { state: "ready", sentence: "", progress: 1 });
      this.#unstore(item);
      this.#putBack(item);
    };
    const urgency = item === this.selected ? 1 : 0;
    this.#lane.run(work, { signal, urgency }).catch((error) => this.#failed(item, error, signal));
  }

  async #store(item) {
    if (item.state === "ready" || !this.items.includes(item)) return;
    item.stored = await waiting.keep(item.key, item.file);
    if (item.state === "ready") this.#unstore(item);
  }

  #unstore(item) {
    item.stored = false;
    waiting.drop(item.key);
  }

  /** Whether leaving the page now would lose a photograph that is not sent yet. */
  get unsafe() {
    return this.busy.some((item) => item.file && !item.id && !item.stored);
  }

  #failed(item, error, signal) {
    if (signal?.aborted) return this.#set(item, { state: "waiting", sentence: "" });
    if (!(error instanceof Refusal)) console.error(error);
    const sentence = error instanceof Refusal ? error.message : `${item.name} could not be sent: ${error.message}`;
    this.#set(item, { state: "failed", sentence });
  }

  // ---- what the server knows

  /** Changes settings and hints of a photograph: {settings: {...}, hints: [...]}, either or both.
   *
   * They count at once in `item.settings` and `item.hints`; the server is told as soon as it has taken what went
   * before. quiet: no "change" event, for who undoes what that event told. Resolves when the server has everything.
   */
  change(item, { settings, hints }, { quiet = false } = {}) {
    const before = { settings: item.settings, hints: item.hints };
    this.#put(item, { settings, hints });
    const after = { settings: item.settings, hints: item.hints };
    if (!quiet && !same(before, after)) this.#tell("change", { item, before, after });
    return item.syncing ?? Promise.resolve();
  }

  /** What a photograph had before it was sent again, or before the page was loaded again. */
  #putBack(item) {
    const { restored } = item;
    item.restored = null;
    if (restored) this.#put(item, restored);
  }

  #put(item, { settings, hints }) {
    if (!item.photo) {
      item.restored = { settings: { ...item.restored?.settings, ...settings }, hints: hints ?? item.restored?.hints };
      return;
    }
    item.wanted = { settings: { ...item.wanted?.settings, ...settings }, hints: hints ?? item.wanted?.hints };
    this.#tell("item", item);
    item.syncing ??= this.#sync(item).finally(() => (item.syncing = null));
  }

  /** Brings the server to what is wanted, one call after the other, skipping what was wanted only in between. */
  async #sync(item) {
    try {
      while (item.wanted) {
        const { settings, hints } = (item.asked = item.wanted);
        item.wanted = null;
        const other = Object.entries(settings).filter(([name, value]) => !same(value, item.photo.settings[name]));
        if (other.length) {
          const body = Object.fromEntries(other);
          this.#took(item, await json(address(item.id, ""), { method: "PATCH", body }));
        }
        if (hints && !item.wanted?.hints && !same(hints, item.photo.hints)) {
          this.#took(item, await json(address(item.id, "hints"), { method: "PUT", body: hints }));
        }
      }
    } catch (error) {
      if (error.status === 404) return this.gone(item);
      item.wanted = null;
      this.#tell("refused", { item, sentence: error.message });
    } finally {
      item.asked = null;
      this.#tell("item", item);
    }
  }

  /** What an answer says of a photograph. */
  #took(item, photo) {
    const old = item.photo;
    item.photo = photo;
    item.id = photo.id;
    this.#tell("item", item);
    if (old?.id !== photo.id || old.version !== photo.version) this.#tell("picture", item);
  }

  /** The server does not know a photograph any more: it is sent again, with its settings and hints, where it can be. */
  gone(item, id = item.id) {
    if (item.state !== "ready" || item.id !== id) return;
    item.restored ??= item.photo ? { settings: item.settings, hints: item.hints } : item.last;
    item.photo = item.id = item.asked = item.wanted = null;
    if (item.file) this.#queue(item);
    else this.#set(item, { state: "failed", sentence: `The server no longer keeps ${item.name}. Add it again.` });
  }

  async #refresh(item) {
    try {
      this.#took(item, await json(address(item.id, "")));
      this.#set(item, { state: "ready", sentence: "", progress: 1 });
      this.#putBack(item);
    } catch (error) {
      if (error.status === 404) {
        item.state = "ready";
        this.gone(item);
      } else this.#failed(item, error);
    }
  }

  // ---- loading the page again

  /** Brings back what this page had before it was loaded again. */
  async restore() {
    const known = new Lane(6);
    waiting.tidy();
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    if (!kept) return;
    for (const { key, id, name, reading, stored, restored, last, failed } of kept.items) {
      const item = new Item(key, name, null, reading);
      Object.assign(item, { id, stored, restored, last });
      if (failed) Object.assign(item, { state: "failed", sentence: failed });
      this.items.push(item);
    }
    this.#tell("list");
    this.select(this.items.find((item) => item.key === kept.selected) ?? this.items[0] ?? null);
    await Promise.all(
      this.items.map(async (item) => {
        if (item.state === "failed") return;
        if (item.id) await known.run(() => this.#refresh(item));
        else await this.retry(item);
      }),
    );
  }

  /** Keeps what `restore` needs, soon. */
  #keep() {
    this.#keeping ??= setTimeout(() => this.keep(), 100);
  }

  keep() {
    clearTimeout(this.#keeping);
    this.#keeping = null;
    const items = this.items.map((item) => ({
      key: item.key,
      id: item.id,
      name: item.name,
      reading: item.reading,
      stored: item.stored,
      restored: item.restored ?? (item.asked || item.wanted ? { settings: item.settings, hints: item.hints } : null),
      last: item.photo ? { settings: item.settings, hints: item.hints } : item.last,
      failed: item.state === "failed" ? item.sentence : "",
    }));
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ items, selected: this.selected?.key ?? null }));
    } catch {
      // A browser that keeps nothing.
    }
  }

  #set(item, values) {
    if (Object.entries(values).every(([name, value]) => item[name] === value)) return;
    Object.assign(item, values);
    this.#tell("item", item);
  }

  #tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
    if (type !== "picture") this.#keep();
  }
}
