// sRGB and CIE L*a*b* (D65, 2 degree observer), and what sRGB can hold at a lightness: the numbers of tintype.color.

const RGB_TO_XYZ = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
];
const WHITE = RGB_TO_XYZ.map((row) => row[0] + row[1] + row[2]);
const XYZ_TO_RGB = inverse(RGB_TO_XYZ);
const KNEE = 6 / 29;
const SLOPE = 3 * KNEE ** 2;
const TOLERANCE = 2e-6; // how far linear light may lie beyond 0 and 1, and count as held

function inverse([[a, b, c], [d, e, f], [g, h, i]]) {
  const rows = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ];
  const determinant = a * rows[0][0] + b * rows[1][0] + c * rows[2][0];
  return rows.map((row) => row.map((value) => value / determinant));
}

const decode = (code) => (code <= 0.04045 ? code / 12.92 : ((code + 0.055) / 1.055) ** 2.4);
const encode = (light) => (light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055);
const root = (t) => (t > KNEE ** 3 ? Math.cbrt(t) : t / SLOPE + 4 / 29);
const CODES = Uint8Array.from({ length: 4096 }, (_, light) => Math.round(255 * encode(light / 4095))); // to draw with
const cube = (f) => (f > KNEE ? f ** 3 : SLOPE * (f - 4 / 29));

/** [L*, a*, b*] of sRGB code values [r, g, b] in 0 to 1. */
export function toLab(rgb) {
  const light = rgb.map(decode);
  const [x, y, z] = RGB_TO_XYZ.map((row, i) => root((row[0] * light[0] + row[1] * light[1] + row[2] * light[2]) / WHITE[i]));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** Linear [r, g, b] of L*, a*, b*, below 0 or above 1 where sRGB cannot hold the colour. */
function toLight(lightness, a, b) {
  const y = (lightness + 16) / 116;
  const xyz = [cube(y + a / 500) * WHITE[0], cube(y) * WHITE[1], cube(y - b / 200) * WHITE[2]];
  return XYZ_TO_RGB.map((row) => row[0] * xyz[0] + row[1] * xyz[1] + row[2] * xyz[2]);
}

/** sRGB code values of [L*, a*, b*], below 0 or above 1 where sRGB cannot hold the colour. */
export const toRgb = ([lightness, a, b]) => toLight(lightness, a, b).map(encode);

/** Whether sRGB holds a colour. */
export const held = (lightness, a, b) =>
  toLight(lightness, a, b).every((light) => light >= -TOLERANCE && light <= 1 + TOLERANCE);

/** The nearest possible [a*, b*] of the same hue: chroma shrinks until sRGB holds it at this lightness. */
export function fit(lightness, a, b) {
  if (held(lightness, a, b)) return [a, b];
  let [inside, outside] = [0, 1];
  for (let step = 0; step < 30; step++) {
    const middle = (inside + outside) / 2;
    if (held(lightness, a * middle, b * middle)) inside = middle;
    else outside = middle;
  }
  return [a * inside, b * inside];
}

/** `#rrggbb` of an a*b* at a lightness, with as much of its chroma as sRGB holds there. */
export function hex(lightness, a, b) {
  const codes = toRgb([lightness, ...fit(lightness, a, b)]);
  return "#" + codes.map((code) => Math.round(255 * Math.min(1, Math.max(0, code))).toString(16).padStart(2, "0")).join("");
}

/** [L*, a*, b*] of `#rrggbb`; null of any other text. */
export function parsed(text) {
  const found = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text.trim());
  return found && toLab(found.slice(1).map((code) => parseInt(code, 16) / 255));
}

/**
 * The colours that are possible at a lightness, as a picture of the a*b* plane, a* to the right and b* upwards.
 *
 * {pixels: RGBA of size x size, left, top, unit}: the pixel (x, y) is a* = left + unit x, b* = top - unit y. The plane
 * is scaled so that the slice fills the picture.
 */
export function slice(lightness, size) {
  const edge = Array.from({ length: 120 }, (_, i) => [Math.cos((i * Math.PI) / 60), Math.sin((i * Math.PI) / 60)])
    .map(([a, b]) => fit(lightness, 150 * a, 150 * b));
  const [least, most] = [Math.min, Math.max].map((end) => [0, 1].map((axis) => end(...edge.map((ab) => ab[axis]))));
  // Near black and white next to nothing is possible: a unit of a*b* is not blown up to the whole picture.
  const unit = Math.max(1.06 * Math.max(most[0] - least[0], most[1] - least[1]), 12) / size;
  const left = (least[0] + most[0] - unit * size) / 2;
  const top = (least[1] + most[1] + unit * size) / 2;
  const pixels = new Uint8ClampedArray(4 * size * size);
  const middle = (lightness + 16) / 116;
  const columns = Float64Array.from({ length: size }, (_, x) => cube(middle + (left + unit * (x + 0.5)) / 500) * WHITE[0]);
  const y = cube(middle) * WHITE[1];
  for (let row = 0, at = 0; row < size; row++) {
    const z = cube(middle - (top - unit * (row + 0.5)) / 200) * WHITE[2];
    const [red, green, blue] = XYZ_TO_RGB.map((weights) => weights[1] * y + weights[2] * z);
    for (const x of columns) {
      const r = XYZ_TO_RGB[0][0] * x + red, g = XYZ_TO_RGB[1][0] * x + green, b = XYZ_TO_RGB[2][0] * x + blue;
      if (Math.min(r, g, b) >= -TOLERANCE && Math.max(r, g, b) <= 1 + TOLERANCE) {
        pixels[at] = CODES[Math.max(0, Math.round(4095 * r))];
        pixels[at + 1] = CODES[Math.max(0, Math.round(4095 * g))];
        pixels[at + 2] = CODES[Math.max(0, Math.round(4095 * b))];
        pixels[at + 3] = 255;
      }
      at += 4;
    }
  }
  return { pixels, left, top, unit };
}

const HUES = [
  [20, "pink"], [52, "red"], [80, "orange"], [108, "yellow"], [128, "yellow-green"], [165, "green"], [220, "blue-green"],
  [308, "blue"], [322, "violet"], [350, "purple"], [360, "pink"],
]; // up to which angle in the a*b* plane

/** A colour in words, for those who do not see it: "dark red", "pale blue", "gray". */
export function words([lightness, a, b]) {
  const chroma = Math.hypot(a, b);
  const tone = lightness < 15 ? "very dark" : lightness < 40 ? "dark" : lightness > 80 ? "light" : "";
  if (chroma < 5) return lightness < 5 ? "black" : lightness > 97 ? "white" : `${tone} gray`.trim();
  const angle = ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360;
  let hue = HUES.find(([end]) => angle <= end)[1];
  if (hue === "orange" && (lightness < 50 || (lightness < 75 && chroma < 45))) hue = "brown";
  if (hue === "pink" && lightness < 45) hue = "red";
  const strength = chroma < 20 ? "grayish" : chroma > 60 ? "strong" : "";
  return [tone, strength, hue].filter(Boolean).join(" ");
}
