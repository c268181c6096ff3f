// Files that the server does not have yet, kept by the browser so that loading the page again loses none of them.
// Where the browser keeps nothing, such as in some private windows, the page works without.

const DAY = 24 * 3600 * 1000; // milliseconds

const promised = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const opened = (() => {
  const request = indexedDB.open("tintype", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("waiting");
  return promised(request).catch(() => null);
})();

async function files(mode, work) {
  const database = await opened;
  if (!database) return undefined;
  try {
    return await promised(work(database.transaction("waiting", mode).objectStore("waiting")));
  } catch {
    return undefined; // such as a full disk
  }
}

/** Resolves to whether the file is kept. */
export const keep = async (key, file) =>
  (await files("readwrite", (store) => store.put({ file, since: Date.now() }, key))) !== undefined;

export const drop = (key) => files("readwrite", (store) => store.delete(key));

export const find = async (key) => (await files("readonly", (store) => store.get(key)))?.file ?? null;

/** Lets go of what pages that were closed have left. */
export async function tidy() {
  const database = await opened;
  if (!database) return;
  const request = database.transaction("waiting", "readwrite").objectStore("waiting").openCursor();
  request.onsuccess = () => {
    const cursor = request.result;
    if (!cursor) return;
    if (Date.now() - cursor.value.since > DAY) cursor.delete();
    cursor.continue();
  };
}
