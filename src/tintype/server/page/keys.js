// Keys that work wherever the focus is, and the dialog that lists them.

const OFF = "tintype.keys.off";

/** Keys of one letter can be switched off, for who dictates or types by chance. */
export class Keys {
  #keys = [];

  constructor() {
    document.addEventListener("keydown", (event) => this.#pressed(event));
    document.addEventListener("keyup", (event) => this.#released(event));
  }

  /** Adds a key.
   *
   * key: as `event.key`, such as "n", "PageDown" or "?". says: what it does, for the list. group: under which heading.
   * run(event): does it. up(event): when the key is let go. control: with Ctrl, or Command on a Mac. shift: with Shift;
   * leave it out where any will do, such as for "?". when(): whether it may be used now. listed: only for the list, as
   * something else listens.
   */
  add(...keys) {
    this.#keys.push(...keys);
  }

  get off() {
    return localStorage.getItem(OFF) === "1";
  }

  set off(off) {
    if (off) localStorage.setItem(OFF, "1");
    else localStorage.removeItem(OFF);
  }

  /** {group: [key, ...]}, in the order in which they were added. */
  get groups() {
    return Object.groupBy ? Object.groupBy(this.#keys, (key) => key.group) : grouped(this.#keys);
  }

  #find(event) {
    const control = event.ctrlKey || event.metaKey;
    return this.#keys.find(
      (key) =>
        !key.listed &&
        (event.key === key.key || (key.key.length === 1 && event.key.toLowerCase() === key.key)) &&
        control === !!key.control &&
        !event.altKey &&
        (key.shift === undefined ? key.key.length > 1 || !/^[a-z]$/.test(key.key) || !event.shiftKey : event.shiftKey === key.shift) &&
        (key.when?.() ?? true),
    );
  }

  #pressed(event) {
    const { target } = event;
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const key = this.#find(event);
    if (!key?.run) return;
    const writes = target.matches?.("input:not([type=checkbox], [type=radio], [type=range], [type=file]), textarea, select");
    if (writes || target.isContentEditable) return;
    if (!key.control && key.key.length === 1 && this.off) return;
    event.preventDefault();
    if (!event.repeat || key.repeats) key.run(event);
  }

  #released(event) {
    for (const key of this.#keys) {
      if (key.up && event.key.toLowerCase() === key.key.toLowerCase()) key.up(event);
    }
  }
}

function grouped(keys) {
  const groups = {};
  for (const key of keys) (groups[key.group] ??= []).push(key);
  return groups;
}

const NAMES = { PageDown: "Page Down", PageUp: "Page Up", ArrowLeft: "←", ArrowRight: "→", " ": "Space" };
const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** A key as it is written on the keyboard. */
export function written({ key, control, shift, shown }) {
  const name = shown ?? NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key);
  return [control && (MAC ? "⌘" : "Ctrl"), shift && "Shift", name].filter(Boolean).join(" + ");
}

/** Fills the dialog `#help` with the keys, each time it is opened. */
export function openHelp(keys) {
  const dialog = document.getElementById("help");
  const list = dialog.querySelector(".keys");
  const sections = Object.entries(keys.groups).map(([group, members]) => {
    const heading = document.createElement("h3");
    heading.textContent = group;
    const terms = document.createElement("dl");
    for (const key of members) {
      if (key.hidden) continue;
      const row = document.createElement("div");
      const term = document.createElement("dt");
      const pressed = document.createElement("kbd");
      pressed.textContent = written(key);
      term.append(pressed);
      const says = document.createElement("dd");
      says.textContent = key.says;
      row.append(term, says);
      terms.append(row);
    }
    const section = document.createElement("section");
    section.append(heading, terms);
    return section;
  });
  list.replaceChildren(...sections);
  const off = dialog.querySelector("#keys-off");
  off.checked = keys.off;
  off.onchange = () => (keys.off = off.checked);
  dialog.showModal();
}
