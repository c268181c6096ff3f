// A photograph as the browser itself shows its file, until the server has coloured it.

import { Lane } from "./api.js";

const LONGEST = 1024; // pixels of the width
const MOST = 4; // that are kept

const kept = new Map(); // File -> a promise of its ImageBitmap, in the order of their use
const lane = new Lane(1); // the server needs the processors more

/** An ImageBitmap, which nobody may close; rejects where this browser does not show such a file. */
export function ownPicture(file, urgency = 0) {
  const known = kept.get(file) ?? lane.run(() => smaller(file), { urgency });
  kept.delete(file);
  kept.set(file, known);
  if (kept.size > MOST) kept.delete(kept.keys().next().value);
  return known;
}

async function smaller(file) {
  // Decoded once, and no larger than it is shown: a hundred megapixels would not fit into a phone.
  const bitmap = await createImageBitmap(file);
  if (bitmap.width <= LONGEST) return bitmap;
  const small = await createImageBitmap(bitmap, { resizeWidth: LONGEST, resizeQuality: "medium" });
  bitmap.close();
  return small;
}
