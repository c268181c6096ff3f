// Undo and redo of everything that was done to a photograph, kept in the session of the browser's tab.

const MOST = 200; // steps

/** The states of a photograph, each {label, hints, settings}: what was done, and all that it led to. */
export class History {
  #key;
  #steps;
  #at;
  #sent;

  /** `id`: of the photograph; `state`: {hints, settings} as the server has it, the first step where none is kept. */
  constructor(id, state) {
    this.#key = `tintype.history.${id}`;
    const kept = read(this.#key);
    this.#steps = kept?.steps ?? [{ label: "", ...state }];
    this.#at = kept?.at ?? 0;
    this.#sent = kept?.sent ?? true;
  }

  /** The state that the photograph has, or shall have once it is sent. */
  get now() {
    return this.#steps[this.#at];
  }

  /** What undo would take back, in words; undefined where there is nothing. */
  get undoes() {
    return this.#at > 0 ? this.now.label : undefined;
  }

  get redoes() {
    return this.#steps[this.#at + 1]?.label;
  }

  /** Whether the server has the state. A reload in between sends it again. */
  get sent() {
    return this.#sent;
  }

  /** Something was done. What had been undone is forgotten. */
  push(label, { hints, settings }) {
    this.#steps = [...this.#steps.slice(0, this.#at + 1), { label, hints, settings }].slice(-MOST);
    this.#at = this.#steps.length - 1;
    this.#keep(false);
  }

  undo() {
    if (this.#at > 0) this.#at--;
    this.#keep(false);
  }

  redo() {
    if (this.#at < this.#steps.length - 1) this.#at++;
    this.#keep(false);
  }

  /** The server took the state, in other words perhaps, or kept its own: {hints, settings} as it has them now. */
  accept({ hints, settings }) {
    this.#steps[this.#at] = { label: this.now.label, hints, settings };
    // What came to nothing is no step.
    if (this.#at > 0 && same(this.#steps[this.#at - 1], this.now)) this.#steps.splice(this.#at--, 1);
    this.#keep(true);
  }

  #keep(sent) {
    this.#sent = sent;
    // Where there is no room for all, the oldest steps go.
    while (!keep(this.#key, { steps: this.#steps, at: this.#at, sent }) && this.#at > 0) {
      const gone = Math.ceil(this.#at / 2);
      this.#steps.splice(0, gone);
      this.#at -= gone;
    }
  }
}

/** Whether two states are alike. */
export const same = (one, other) =>
  JSON.stringify([one.hints, one.settings]) === JSON.stringify([other.hints, other.settings]);

/** What is kept under a key; undefined where there is nothing. */
export function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? undefined;
  } catch {
    return undefined; // the browser keeps nothing
  }
}

/** Keep a value until the tab is closed; false where there is no room. */
export function keep(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
