// What the page says of the photograph that is shown, and how its scan is to be read.

const SALVAGE = /,? or colour what is left of it with --salvage/;
const PAGES = /: choose with --pages of tintype colorize.*$/;
const COUNT = /(\d+) (?:photographs|pages|pictures)/;

/** What the page can do about a sentence of the server, which may name an option of the command:
 * {sentence, salvage, pages}; pages: how many, or null.
 */
export function remedies(sentence) {
  const pages = PAGES.test(sentence) ? Number(sentence.match(COUNT)?.[1] ?? 2) : null;
  return {
    sentence: sentence.replace(SALVAGE, "").replace(PAGES, ": choose which to colour"),
    salvage: SALVAGE.test(sentence),
    pages,
  };
}

const bytes = (count) => {
  const megabytes = count / 1e6;
  return megabytes < 0.1 ? `${Math.max(1, Math.round(count / 1e3))} kB` : `${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MB`;
};

const FORMATS = { jpeg: "JPEG", png: "PNG", tiff: "TIFF", webp: "WebP", avif: "AVIF", gif: "GIF", bmp: "BMP", heic: "HEIC", psd: "PSD",
  jpeg2000: "JPEG 2000", jpegxl: "JPEG XL", pnm: "PNM" };

export class About {
  constructor(album) {
    this.album = album;
    this.name = document.getElementById("name");
    this.facts = document.getElementById("facts");
    this.notes = document.getElementById("notes");
    this.reading = document.getElementById("reading");
    this.fields = Object.fromEntries([...this.reading.querySelectorAll("input")].map((input) => [input.name, input]));
    for (const [name, input] of Object.entries(this.fields)) {
      input.addEventListener("change", () => this.#changed(name, input));
    }
    document.getElementById("reading-all").addEventListener("click", () => this.#all());
    album.addEventListener("select", () => this.show());
    album.addEventListener("item", ({ detail }) => detail === album.selected && this.show());
  }

  #changed(name, input) {
    const item = this.album.selected;
    if (item?.state !== "ready") return;
    if (input.type === "checkbox") return this.album.change(item, { settings: { [name]: input.checked } });
    const page = Number(input.value);
    if (Number.isInteger(page) && page >= 1 && page <= item.photo.pages) this.album.change(item, { settings: { page } });
    else this.show();
  }

  /** Has all photographs read as this one is. */
  #all() {
    const { negative, faded, salvage } = this.album.selected.settings;
    const others = this.album.ready.filter((item) => item !== this.album.selected);
    for (const item of others) this.album.change(item, { settings: { negative, faded, salvage } });
  }

  show() {
    const item = this.album.selected;
    if (!item) return;
    const { photo } = item;
    this.name.textContent = item.label;
    const depth = photo && photo.depth !== 8 ? `, ${photo.depth} bits` : "";
    const facts = photo
      ? `${photo.width} × ${photo.height}, ${FORMATS[photo.format] ?? photo.format}${depth}, ${bytes(photo.bytes)}`
      : item.file
        ? bytes(item.file.size)
        : "";
    this.facts.textContent = facts;
    const notes = [...(photo?.notes ?? [])];
    if (photo?.in_colour) notes.push("This photograph is in colour already. Only its lightness is used.");
    if (photo?.line_art) notes.push("This picture is hardly anything but black and white, which take no colour.");
    this.notes.replaceChildren(
      ...notes.map((note) => {
        const line = document.createElement("li");
        line.textContent = remedies(note).sentence;
        return line;
      }),
    );
    this.reading.hidden = item.state !== "ready";
    document.getElementById("reading-all").hidden = this.album.ready.length < 2;
    if (!photo) return;
    for (const name of ["negative", "faded", "salvage"]) this.fields[name].checked = !!item.settings[name];
    const { page } = this.fields;
    page.closest("label").hidden = photo.pages < 2;
    page.max = String(photo.pages);
    if (document.activeElement !== page) page.value = String(item.settings.page ?? 1);
    this.reading.querySelector(".of").textContent = `of ${photo.pages}`;
  }
}
