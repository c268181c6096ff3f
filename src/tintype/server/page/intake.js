// How photographs come onto the page: chosen, dropped (folders, too) or pasted.

// Of folders, only what its name says is a picture; a file that the user names is sent whatever it is.
const PICTURES =
  /\.(jpe?g|jpe|jfif|png|tiff?|webp|avif|bmp|dib|gif|hei[cf]|hif|jp2|j2[kc]|jpc|jpf|jpx|jxl|p[bgpn]m|ps[db])$/i;
const HIDDEN = /^\./;

/** Whether a file in a folder is a photograph, by its name. */
const pictured = (file) => PICTURES.test(file.name) && !(file.webkitRelativePath || file.name).split("/").some((part) => HIDDEN.test(part));

/** Calls took(files, left): Files to add, and how many others there were in folders. */
export function listen({ took }) {
  const files = document.getElementById("files");
  const folder = document.getElementById("folder");
  const veil = document.getElementById("drop");
  files.addEventListener("change", () => {
    took([...files.files], 0);
    files.value = "";
  });
  folder.addEventListener("change", () => {
    const all = [...folder.files];
    const photographs = all.filter(pictured).sort(byPath);
    took(photographs, all.length - photographs.length);
    folder.value = "";
  });
  document.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (!pasted.length) return;
    event.preventDefault();
    took(pasted, 0);
  });

  let within = 0; // elements that the pointer has entered and not left
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  const end = () => {
    within = 0;
    veil.hidden = true;
  };
  document.addEventListener("dragenter", (event) => {
    if (!carries(event)) return;
    within++;
    veil.hidden = !!document.querySelector("dialog[open]");
  });
  document.addEventListener("dragleave", (event) => {
    if (carries(event) && --within <= 0) end();
  });
  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("drop", async (event) => {
    end();
    // Some part of the page may have taken it for something else.
    if (!carries(event) || event.defaultPrevented) return;
    event.preventDefault();
    // Read at once: the list is empty after this turn of the event loop.
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const dropped = items.map((item) => ({ file: item.getAsFile(), entry: item.webkitGetAsEntry?.() }));
    let left = 0;
    const found = [];
    for (const { file, entry } of dropped) {
      if (!entry?.isDirectory) {
        if (file) found.push(file);
        continue;
      }
      const inside = await walk(entry);
      const photographs = inside.filter(pictured);
      left += inside.length - photographs.length;
      found.push(...photographs);
    }
    took(found, left);
  });
}

const byPath = (a, b) => a.webkitRelativePath.localeCompare(b.webkitRelativePath, undefined, { numeric: true });

/** The Files of a folder and of all below it, in the order of their names. */
async function walk(folder) {
  const reader = folder.createReader();
  const entries = [];
  for (;;) {
    // A hundred or so at a time.
    const more = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)).catch(() => []);
    if (!more.length) break;
    entries.push(...more);
  }
  entries.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const files = [];
  for (const entry of entries) {
    if (HIDDEN.test(entry.name)) continue;
    if (entry.isDirectory) files.push(...(await walk(entry)));
    else files.push(...(await new Promise((resolve) => entry.file((file) => resolve([file]), () => resolve([])))));
  }
  return files;
}
