// Elements of the page.

/**
 * A new element: its properties, attributes where a name has a dash or is `role`, and listeners where it begins with
 * `on`; and its children, elements or texts.
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** A new element of a drawing, with attributes. */
export function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A picture of the file of icons. */
export const icon = (name) => drawn("svg", { "aria-hidden": "true" }, drawn("use", { href: `/static/icons.svg#${name}` }));
