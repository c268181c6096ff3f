// Strokes of a brush: as few discs as cover one, and which hints belong to one.

/**
 * The centres of discs of a radius that cover the way of a brush of that radius: [{x, y}] of its points.
 *
 * They are a radius apart at most, so that the covered way is nowhere narrower than 87 % of the brush; where the brush
 * goes to and fro, those go that others cover as well.
 */
export function cover(points, radius) {
  const way = dense(points, radius / 8);
  const near = (one, other, far) => Math.hypot(one.x - other.x, one.y - other.y) <= far;
  let centres = [way[0]];
  for (let at = 1; at < way.length; at++) {
    if (centres.some((centre) => near(way[at], centre, radius / 2))) continue;
    const from = way[at - 1]; // the last that is covered
    let next = at;
    while (next + 1 < way.length && near(way[next + 1], from, radius / 2)) next++;
    centres.push(way[next]);
    at = next;
  }
  for (const centre of [...centres]) {
    const others = centres.filter((other) => other !== centre && near(other, centre, 2 * radius));
    const alone = DISC.filter(([x, y]) => {
      const point = { x: centre.x + radius * x, y: centre.y + radius * y };
      return !others.some((other) => near(other, point, radius));
    });
    if (alone.length <= 0.05 * DISC.length) centres = centres.filter((other) => other !== centre);
  }
  return centres;
}

/** Places evenly over a disc of radius 1. */
const DISC = Array.from({ length: 64 }, (_, i) => {
  const [far, angle] = [Math.sqrt((i + 0.5) / 64), i * Math.PI * (3 - Math.sqrt(5))];
  return [far * Math.cos(angle), far * Math.sin(angle)];
});

/** The points of a way, with others between them so that none is further than `step` from the next. */
function dense(points, step) {
  const way = [points[0]];
  for (const point of points.slice(1)) {
    const last = way.at(-1);
    const parts = Math.ceil(Math.hypot(point.x - last.x, point.y - last.y) / step);
    for (let part = 1; part <= parts; part++) {
      way.push({ x: last.x + ((point.x - last.x) * part) / parts, y: last.y + ((point.y - last.y) * part) / parts });
    }
  }
  return way;
}

/**
 * Hints as the user handles them, [{at, count}]: single ones, and runs of one colour and radius whose discs hang
 * together, which are strokes. Read from the hints themselves, so that files and undo need to know nothing of it.
 */
export function strokes(hints) {
  const found = [];
  hints.forEach((hint, at) => {
    const last = found.at(-1);
    const run = last ? hints.slice(last.at, at) : [];
    const joins = run.some(
      (other) =>
        other.color === hint.color && other.radius === hint.radius &&
        Math.hypot(other.x - hint.x, other.y - hint.y) <= 1.75 * hint.radius,
    );
    if (joins) last.count++;
    else found.push({ at, count: 1 });
  });
  return found;
}
