// What the page says: read aloud by screen readers, and shown for a while.

const heard = document.getElementById("heard");
const toasts = document.getElementById("toasts");
const WHILE = 8; // seconds

/** Tells a sentence without showing it: progress, and what the eye sees anyway. */
export function tell(sentence) {
  // The same words twice are read twice only if something changes.
  heard.textContent = heard.textContent === sentence ? `${sentence}\u00a0` : sentence;
}

/** Shows a sentence and tells it.
 *
 * action: {label, run} for a button beside it. stays: until it is closed; else for some seconds, but never while the
 * pointer or the focus is on it. closed(): called when it has gone without its action. Returns what closes it.
 */
export function say(sentence, { action, stays = false, trouble = false, closed } = {}) {
  for (const shown of toasts.children) {
    // Said already: it stays a while longer, and is not read again.
    if (!action && shown.firstElementChild.textContent === sentence) return shown.again();
  }
  const toast = document.createElement("div");
  toast.className = trouble ? "toast trouble" : "toast";
  const text = document.createElement("p");
  text.textContent = sentence;
  toast.append(text);
  let timer;
  const close = (acted = false) => {
    clearTimeout(timer);
    if (!toast.isConnected) return;
    toast.remove();
    if (!acted) closed?.();
  };
  if (action) {
    const button = document.createElement("button");
    button.className = "quiet";
    button.textContent = action.label;
    button.onclick = () => (close(true), action.run());
    toast.append(button);
  }
  const away = document.createElement("button");
  away.className = "bare";
  away.setAttribute("aria-label", "Close this message");
  away.innerHTML = '<svg aria-hidden="true"><use href="/static/icons.svg#close"></use></svg>';
  away.onclick = () => close();
  toast.append(away);
  const wait = () => {
    clearTimeout(timer);
    if (!stays) timer = setTimeout(() => (toast.matches(":hover, :focus-within") ? wait() : close()), 1000 * WHILE);
  };
  toast.again = () => (wait(), () => close());
  toasts.append(toast);
  while (toasts.children.length > 3) toasts.firstElementChild.querySelector(".bare").click();
  tell(sentence);
  wait();
  return () => close();
}
