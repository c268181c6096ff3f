// Where the model doubts its colours: an overlay, and the most doubtful places one after the other.

import { address, json, picture } from "../api.js";

const PLACES = 12;
const SIDE = 1024; // pixels of the overlay
const OPAQUE = 165; // of 255, where it doubts most

/** {next(), shown, render()}. open(place): what is done at a doubtful place; changed(): the overlay is on or off. */
export function doubts(viewer, work, { open, changed, say, tell }) {
  let shown = false;
  let drawn = ""; // of which picture the overlay is
  let places = []; // still to be visited
  let listed = null; // for which photograph
  let visited = 0;
  let asking = null;

  async function render() {
    const { photo } = work;
    if (photo?.id !== listed) {
      listed = photo?.id;
      places = [];
      visited = 0;
    }
    const wanted = shown && photo ? `${photo.id} ${photo.version}` : "";
    if (wanted === drawn) return;
    drawn = wanted;
    asking?.abort();
    if (!wanted) {
      viewer.cover = null;
      return;
    }
    const { signal } = (asking = new AbortController());
    try {
      const size = Math.min(SIDE, Math.max(photo.width, photo.height));
      const cover = await picture(address(photo.id, "doubts/map", { size, version: photo.version }), { urgency: 1, signal });
      if (!signal.aborted) viewer.cover = stretched(cover);
    } catch (error) {
      if (!signal.aborted) work.failed(error);
    }
  }

  /** To the next most doubtful place; after the last one, from the first again. */
  async function next() {
    const { photo } = work;
    if (!photo) return;
    try {
      if (!places.length) {
        ({ places } = await json(address(photo.id, "doubts", { count: PLACES })));
        visited = 0;
      }
    } catch (error) {
      return work.failed(error);
    }
    if (work.photo?.id !== photo.id) return;
    const place = places.shift();
    if (!place) return say("The model doubts no place of this photograph.");
    visited++;
    tell(`Doubtful place ${visited} of ${visited + places.length}.`);
    open(place);
  }

  return {
    next,
    render,
    get shown() {
      return shown;
    },
    set shown(value) {
      shown = value;
      render();
      changed();
    },
  };
}

/** The overlay with as much contrast as it can have: from the places that are doubted least to those doubted most. */
function stretched(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const picture = context.getImageData(0, 0, canvas.width, canvas.height);
  const counts = new Uint32Array(256);
  for (let at = 3; at < picture.data.length; at += 4) counts[picture.data[at]]++;
  const below = (share) => {
    let left = share * canvas.width * canvas.height;
    return counts.findIndex((count) => (left -= count) <= 0);
  };
  const [least, most] = [below(0.3), below(0.99)];
  for (let at = 3; at < picture.data.length; at += 4) {
    picture.data[at] = (OPAQUE * (picture.data[at] - least)) / Math.max(most - least, 16);
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}
