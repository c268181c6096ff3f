// Taking results home: one photograph, all of them in a ZIP, or all of them in a folder.

import { Refusal, address, ask, json } from "./api.js";

const LOSSY = new Set(["", "jpeg", "webp", "avif"]);

const element = (id) => document.getElementById(id);

/** The name that the server gives a file. */
export function nameOf(response, otherwise) {
  const header = response.headers.get("Content-Disposition") ?? "";
  const encoded = header.match(/filename\*=(?:UTF-8|utf-8)''([^;]+)/)?.[1];
  if (encoded) return decodeURIComponent(encoded);
  return header.match(/filename="([^"]+)"/)?.[1] ?? otherwise;
}

/** The dialog `#saving`. */
export class Downloads {
  #stop = null; // an AbortController while something is being saved

  constructor(album) {
    this.album = album;
    this.dialog = element("saving");
    this.form = this.dialog.querySelector("form");
    this.says = element("saving-says");
    this.progress = element("saving-progress");
    this.faults = element("saving-faults");
    this.buttons = ["save-one", "save-zip", "save-folder"].map(element);
    element("save-one").onclick = () => this.#work((signal) => this.#one(signal));
    element("save-zip").onclick = () => this.#zip();
    element("save-folder").onclick = () => this.#intoFolder();
    element("save-stop").onclick = () => this.#stop?.abort(new Error("stopped"));
    this.form.elements.format.onchange = () => this.#show();
    for (const type of ["list", "item", "select"]) {
      album.addEventListener(type, () => this.dialog.open && this.#show());
    }
  }

  open() {
    if (!this.#stop) this.#say("");
    this.#show();
    this.dialog.showModal();
  }

  get #options() {
    const format = this.form.elements.format.value;
    const quality = LOSSY.has(format) ? this.form.elements.quality.value : "";
    return { format: format || null, quality: quality ? Number(quality) : null };
  }

  #show() {
    const { ready, selected } = this.album;
    const [one, zip, folder] = this.buttons;
    element("quality-field").hidden = !LOSSY.has(this.form.elements.format.value);
    one.textContent = selected ? `This photograph: ${selected.label}` : "This photograph";
    one.disabled = !!this.#stop || selected?.state !== "ready";
    zip.textContent = `All ${ready.length} as a ZIP`;
    folder.textContent = `All ${ready.length} into a folder`;
    zip.hidden = this.album.items.length < 2;
    folder.hidden = zip.hidden || !window.showDirectoryPicker;
    zip.disabled = folder.disabled = !!this.#stop || !ready.length;
    element("save-stop").hidden = this.progress.hidden = !this.#stop;
  }

  #say(sentence, faults = []) {
    this.says.textContent = sentence;
    this.faults.replaceChildren(
      ...faults.map((fault) => {
        const line = document.createElement("li");
        line.textContent = fault;
        return line;
      }),
    );
  }

  /** Does work that can be stopped, and says how it ended. */
  async #work(work) {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.progress.removeAttribute("value");
    this.#show();
    try {
      await work(signal);
    } catch (error) {
      if (signal.aborted) this.#say("Stopped.");
      else {
        if (!(error instanceof Refusal)) console.error(error);
        this.#say(error.message);
      }
    } finally {
      this.#stop = null;
      this.#show();
    }
  }

  /** The result of an item: {blob, name}. */
  async #result(item, signal) {
    await item.syncing;
    try {
      const response = await ask(address(item.id, "result", this.#options), { signal });
      return { blob: await response.blob(), name: nameOf(response, item.name) };
    } catch (error) {
      if (error.status === 404) this.album.gone(item);
      throw error;
    }
  }

  async #one(signal) {
    const item = this.album.selected;
    this.#say(`Painting ${item.label} at full size …`);
    const { blob, name } = await this.#result(item, signal);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    this.#say(`${name} is in your downloads.`);
  }

  /** By a form, so that the browser saves the ZIP while it is made, however large it gets. */
  #zip() {
    return this.#work(async (signal) => {
      this.#say("Looking whether all photographs are there …");
      const items = this.album.ready;
      const there = [];
      for (const item of items) {
        await item.syncing;
        try {
          await json(address(item.id, ""), { signal });
          there.push(item);
        } catch (error) {
          if (error.status !== 404) throw error;
          this.album.gone(item);
        }
      }
      const form = document.createElement("form");
      form.method = "post";
      form.action = "/v1/archive";
      form.hidden = true;
      const fields = there.map((item) => ["photos", item.id]);
      for (const [name, value] of Object.entries(this.#options)) if (value !== null) fields.push([name, value]);
      for (const [name, value] of fields) {
        const input = document.createElement("input");
        input.type = "hidden";
        Object.assign(input, { name, value });
        form.append(input);
      }
      document.body.append(form);
      form.submit();
      form.remove();
      const lost = items.length - there.length;
      this.#say(
        `Your browser saves a ZIP of ${there.length} photographs, each painted at full size. Keep this page open until it has ended.` +
          (lost ? ` ${lost} more are being sent again, as the server no longer had them.` : ""),
      );
    });
  }

  async #intoFolder() {
    let folder;
    try {
      folder = await window.showDirectoryPicker({ mode: "readwrite", id: "tintype" });
    } catch (error) {
      if (error.name !== "AbortError") this.#say(`The folder cannot be used: ${error.message}`);
      return;
    }
    await this.#work(async (signal) => {
      const items = this.album.ready;
      const faults = [];
      let done = 0;
      for (const item of items) {
        this.#say(`${done} of ${items.length} saved. Painting ${item.label} …`, faults);
        this.progress.value = (done + faults.length) / items.length;
        try {
          const { blob, name } = await this.#result(item, signal);
          await write(folder, name, blob);
          done++;
        } catch (error) {
          if (signal.aborted) break;
          faults.push(error instanceof Refusal ? error.message : `${item.label} could not be written: ${error.message}`);
        }
      }
      const where = `${done} of ${items.length} photographs saved in ${folder.name || "the folder"}.`;
      this.#say(signal.aborted ? `Stopped. ${where}` : where, faults);
    });
  }
}

/** Writes a new file in a folder: never over one that is there, whose name gets a number instead. */
async function write(folder, name, blob) {
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  for (let number = 1; ; number++) {
    const free = number === 1 ? name : `${stem}-${number}${ending}`;
    try {
      await folder.getFileHandle(free);
      continue;
    } catch (error) {
      if (error.name === "TypeMismatchError") continue; // a folder
      if (error.name !== "NotFoundError") throw error;
    }
    const handle = await folder.getFileHandle(free, { create: true });
    const stream = await handle.createWritable();
    await blob.stream().pipeTo(stream);
    return free;
  }
}
