// The calls of the API: nothing else on this page talks to the server.

export const SILENT = "tintype does not answer. Look whether it still runs, then try again.";

/** What the server refused. `message` is its sentence, for the user. */
export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status; // of HTTP; 0: no answer
  }
}

/** A queue that lets so many pieces of work run at a time, the most urgent first. */
export class Lane {
  #free;
  #queue = [];

  constructor(limit) {
    this.#free = limit;
  }

  /** Runs `work()` when it is its turn; a signal that is aborted takes it out of the queue. */
  run(work, { urgency = 0, signal } = {}) {
    return new Promise((resolve, reject) => {
      const task = { work, urgency, signal, resolve, reject };
      const before = this.#queue.findIndex((other) => other.urgency < urgency);
      this.#queue.splice(before < 0 ? this.#queue.length : before, 0, task);
      signal?.addEventListener("abort", () => {
        const place = this.#queue.indexOf(task);
        if (place < 0) return;
        this.#queue.splice(place, 1);
        reject(signal.reason);
      }, { once: true });
      this.#next();
    });
  }

  async #next() {
    if (!this.#free || !this.#queue.length) return;
    const { work, signal, resolve, reject } = this.#queue.shift();
    this.#free--;
    try {
      signal?.throwIfAborted();
      resolve(await work());
    } catch (error) {
      reject(error);
    } finally {
      this.#free++;
      this.#next();
    }
  }
}

/** Waits; an aborted signal ends it with its reason. */
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

const MOST_PATIENT = 60; // seconds
const patience = (header) => Math.min(Math.max(Number(header) || 1, 0.2), MOST_PATIENT);

function sentence(status, text) {
  try {
    const problem = JSON.parse(text);
    if (problem.detail || problem.title) return problem.detail || problem.title;
  } catch {
    // Not from tintype, but from something between it and this page.
  }
  return `The server answered with an error (${status}). Try again.`;
}

/** The response of a call. While the server is full, it is asked again when it says.
 *
 * busy(): told each time it is. Raises Refusal, and the signal's reason.
 */
export async function ask(path, { busy, ...init } = {}) {
  for (;;) {
    let response;
    try {
      response = await fetch(path, init);
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new Refusal(0, SILENT);
    }
    if (response.ok) return response;
    const text = await response.text();
    if (response.status !== 429) throw new Refusal(response.status, sentence(response.status, text));
    busy?.(sentence(429, text));
    await pause(patience(response.headers.get("Retry-After")), init.signal);
  }
}

/** What a call answers, as an object; `body`: sent as JSON. */
export async function json(path, { body, ...init } = {}) {
  if (body !== undefined) {
    init = { ...init, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  }
  const response = await ask(path, init);
  return response.status === 204 ? null : response.json();
}

/** The address of something of a photograph; parameters that are null are left out. */
export function address(id, what, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return `/v1/photos/${encodeURIComponent(id)}${what && `/${what}`}${given.length ? `?${query}` : ""}`;
}

/** Pictures on their way from the server at a time. */
export const pictures = new Lane(4);

/** A picture that the server draws, as an ImageBitmap. */
export function picture(path, { urgency, signal } = {}) {
  return pictures.run(async () => createImageBitmap(await (await ask(path, { signal })).blob()), { urgency, signal });
}

/** Sends a file with form fields to /v1/photos, and returns what the server says of the photograph.
 *
 * progress(share): from 0 to 1. Raises Refusal, and the signal's reason.
 */
export async function send(file, fields, { signal, progress, busy }) {
  for (;;) {
    const answer = await post(file, fields, signal, progress);
    if (answer.status === 201) return JSON.parse(answer.responseText);
    const said = sentence(answer.status, answer.responseText);
    if (answer.status !== 429) throw new Refusal(answer.status, said);
    busy?.(said);
    await pause(patience(answer.getResponseHeader("Retry-After")), signal);
  }
}

// fetch() does not tell how much of a file has been sent.
function post(file, fields, signal, progress) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) {
      if (value !== null && value !== undefined && value !== false) form.append(name, String(value));
    }
    form.append("photo", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/photos");
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => resolve(request);
    request.onerror = async () => {
      const there = await file.slice(0, 1).arrayBuffer().then(() => true, () => false);
      reject(new Refusal(0, there ? SILENT : `${file.name} was moved or changed on your disk. Add it again.`));
    };
    signal.addEventListener("abort", () => (request.abort(), reject(signal.reason)), { once: true });
    request.send(form);
  });
}
