// What is done to the photograph that is shown: its hints and settings, with undo and redo of everything.

import { SILENT } from "../api.js";
import { History, same } from "./history.js";

/**
 * Tells of "photo": it is about another photograph, or none; "change": hints or settings are others, perhaps only while
 * something is dragged; and "trouble": `trouble` says what went wrong, or nothing any more. Refusals the album tells.
 */
export class Work extends EventTarget {
  #album;
  #say;
  #desk = null;
  trouble = "";

  /** say(sentence): for those who do not see what changes. */
  constructor(album, say) {
    super();
    this.#album = album;
    this.#say = say;
    album.addEventListener("select", () => this.#open());
    album.addEventListener("item", ({ detail }) => detail === album.selected && this.#open());
    album.addEventListener("change", ({ detail }) => this.#elsewhere(detail));
    album.addEventListener("refused", ({ detail }) => this.#refused(detail));
    addEventListener("online", () => this.trouble === SILENT && this.retry());
    this.#open();
  }

  /** As the server described it last; null where none is shown. */
  get photo() {
    return this.#desk?.item.photo ?? null;
  }

  get hints() {
    return this.#desk?.hints ?? [];
  }

  get settings() {
    return this.#desk?.settings ?? {};
  }

  /** What undo and redo would do, in words; undefined where there is nothing to do. */
  get undoes() {
    return this.#desk?.history.undoes;
  }

  get redoes() {
    return this.#desk?.history.redoes;
  }

  /** Hints for a while, such as while one is dragged: the picture follows, and undo does not know of it. */
  show(hints) {
    this.#to({ hints, settings: this.settings });
  }

  /** What was shown for a while was not meant. */
  cancel() {
    this.#to(this.#desk.history.now);
  }

  /**
   * A step that undo takes back. label: what was done; with `hints`, `settings` or both as they are then. Resolves to
   * whether the server took it.
   */
  commit(label, { hints = this.hints, settings = {} }) {
    const state = { hints, settings: { ...this.settings, ...settings } };
    const { history } = this.#desk;
    if (!same(state, history.now)) history.push(label, state);
    return this.#to(state);
  }

  undo() {
    if (this.undoes === undefined) return;
    this.#say(`Undone: ${this.undoes}.`);
    this.#desk.history.undo();
    this.#to(this.#desk.history.now);
  }

  redo() {
    if (this.redoes === undefined) return;
    this.#desk.history.redo();
    this.#say(`Done again: ${this.undoes}.`);
    this.#to(this.#desk.history.now);
  }

  /** Sends again what could not be sent. */
  retry() {
    this.fail("");
    this.#to(this.#desk.history.now);
  }

  /** Something went wrong, as this sentence says. */
  fail(sentence) {
    if (this.trouble === sentence) return;
    this.trouble = sentence;
    this.dispatchEvent(new Event("trouble"));
  }

  /** A call about the photograph failed: returns the sentence. aloud: whether it is told here. */
  failed(error, aloud = true) {
    if (error.status === 404 && this.#desk) this.#album.gone(this.#desk.item);
    else if (aloud) this.fail(error.message);
    return error.message;
  }

  #open() {
    const item = this.#album.selected;
    const ready = item?.state === "ready" && item.photo ? item : null;
    if (ready === (this.#desk?.item ?? null)) return;
    this.#desk = null;
    if (ready) {
      const there = stateOf(ready);
      const history = new History(ready.key, there);
      // What was sent again because the server had let it go lacks what was done to it.
      if (history.sent && !ready.restored && !same(history.now, there)) history.push("a change from elsewhere", there);
      const { hints, settings } = history.now;
      this.#desk = { item: ready, history, hints, settings, refused: false };
    }
    this.fail("");
    this.dispatchEvent(new Event("photo"));
    this.dispatchEvent(new Event("change"));
    if (ready && !same(this.#desk, stateOf(ready))) this.#to(this.#desk.history.now);
  }

  /** The photograph shall be in this state; the server is told. */
  async #to({ hints, settings }) {
    const desk = this.#desk;
    Object.assign(desk, { hints, settings, refused: false });
    this.dispatchEvent(new Event("change"));
    await this.#album.change(desk.item, { hints, settings }, { quiet: true });
    const { item, history } = desk;
    if (desk.refused || item.syncing || !item.photo) return !desk.refused;
    // The server has everything: its own words for it count from now on.
    const settled = same(desk, history.now); // and is no passing state of something that is dragged
    Object.assign(desk, stateOf(item));
    if (settled) history.accept(desk);
    if (desk === this.#desk) {
      this.fail("");
      this.dispatchEvent(new Event("change"));
    }
    return true;
  }

  /** Something else on the page changed the photograph. */
  #elsewhere({ item, after }) {
    if (item !== this.#desk?.item) return;
    const changed = Object.keys(after.settings).filter((name) => after.settings[name] !== this.settings[name]);
    this.#desk.history.push(changed.join(" and ") || "a change", after);
    this.#to(after);
  }

  /** A refusal puts back what the server has. What did not reach it stays, to be sent again. */
  #refused({ item, sentence }) {
    const desk = this.#desk;
    if (item !== desk?.item) return;
    desk.refused = true;
    if (sentence !== SILENT) {
      Object.assign(desk, stateOf(item));
      desk.history.accept(desk);
    } else this.fail(sentence);
    this.dispatchEvent(new Event("change"));
  }
}

const stateOf = ({ photo: { hints, settings } }) => ({ hints, settings });
