// The tools of guided work, each attached to the page.

/** page: {album, viewer, keys, api, say, tell, panel}; see API.md. */
export function attach(page) {
  page.panel.replaceChildren();
}
