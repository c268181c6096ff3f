"use strict";
// The page of `tintype summary`. Its rows come as columns: from this file itself, or from a script that lies beside it.
{
  const PER_PAGE = 60;
  const find = (selector) => document.querySelector(selector);
  const inside = document.getElementById("rows");
  const rows = inside ? JSON.parse(inside.textContent) : window.tintypeRows;

  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  const start = () => {
    const count = rows.name.length;
    const { place, places, name, state, doubt, chroma, flags, texts } = rows;
    const FAILED = rows.states.indexOf("failed");
    const DONE = rows.states.indexOf("done");

    // Names are shown as text and never as markup; what cannot be seen in them is written out.
    const shown = (text) =>
      text.replace(/\p{C}/gu, (letter) => {
        const code = letter.codePointAt(0);
        return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
      });

    // A byte of a name that is no letter stands in it as a lone surrogate.
    const address = (text) =>
      Array.from(text, (letter) => {
        const code = letter.codePointAt(0);
        if (code >= 0xdc80 && code <= 0xdcff) return `%${(code - 0xdc00).toString(16)}`;
        return code >= 0xd800 && code <= 0xdfff ? "%EF%BF%BD" : encodeURIComponent(letter);
      }).join("");

    const folderOf = (row) => places[place[row]][0];
    const before = (row) => places[place[row]][1] + address(name[row]);
    const after = (row) => (state[row] === DONE ? places[place[row]][2] + address(rows.result[row] || name[row]) : "");
    const thumbnail = (row) => {
      const made = rows.thumbnail[row];
      return made && !made.startsWith("data:") ? `${rows.folder}/${made.slice(0, 2)}/${made.slice(2)}.webp` : made;
    };
    const titleOf = (row) => shown(name[row]) + (rows.page[row] ? `, page ${rows.page[row]}` : "");
    const placeOf = (row) => shown(folderOf(row));

    // What can be chosen.

    const VIEWS = [
      ["all", "all", () => true],
      ["failed", "failed", (row) => state[row] === FAILED],
      ...rows.flags_named.map((label, bit) => [`flag${bit}`, label, (row) => (flags[row] >> bit) & 1]),
      ["left", "left alone", (row) => state[row] !== FAILED && state[row] !== DONE],
    ];
    const LAST = 1e9;
    const measured = (column, row, sign) => (column[row] < 0 ? LAST : sign * column[row]);
    const ORDERS = {
      look: (row) => (state[row] === FAILED ? -LAST : measured(doubt, row, -1)),
      name: (row) => row,
      gray: (row) => measured(chroma, row, 1),
      vivid: (row) => measured(chroma, row, -1),
      latest: (row) => -rows.finished[row],
      slowest: (row) => -rows.seconds[row],
    };

    const choices = find("form");
    const chosen = { view: "all", page: 0 };
    let order = [];
    let haystacks = null;

    const views = find(".views");
    for (const [key, label, holds] of VIEWS) {
      let found = 0;
      for (let row = 0; row < count; row++) if (holds(row)) found++;
      if (!found && key !== "all" && key !== "failed") continue;
      const input = element("input", { type: "radio", name: "view", value: key, checked: key === "all" });
      const box = element("label", {}, input, `${label} ${found.toLocaleString("en").replaceAll(",", " ")}`);
      if (key === "failed" && found) box.className = "bad";
      views.append(box);
    }

    // Every folder with how many photographs lie in it and below it; of very many only the upper ones.
    const counted = new Map();
    for (let row = 0; row < count; row++) {
      const folder = folderOf(row);
      for (let end = folder.length; end > 0; end = folder.lastIndexOf("/", end - 1)) {
        const upper = folder.slice(0, end);
        counted.set(upper, (counted.get(upper) ?? 0) + 1);
      }
    }
    let folders = [...counted.keys()];
    const depth = (folder) => folder.split("/").length;
    for (let most = Math.max(0, ...folders.map(depth)); folders.length > 1500 && most > 1; most--)
      folders = folders.filter((folder) => depth(folder) < most);
    folders.sort((a, b) => (a < b ? -1 : 1));
    const select = choices.elements.folder;
    select.append(element("option", { value: "", textContent: `all (${count})` }));
    for (const folder of folders)
      select.append(element("option", { value: folder, textContent: `${shown(folder)} (${counted.get(folder)})` }));
    select.closest("label").hidden = folders.length < 1;

    const apply = () => {
      const holds = VIEWS.find(([key]) => key === chosen.view)[2];
      const folder = choices.elements.folder.value;
      const words = choices.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
      if (words.length && !haystacks)
        haystacks = name.map((text, row) => `${folderOf(row)}/${text}\n${texts[row] || ""}`.toLowerCase());
      const inFolder = places.map(([text]) => !folder || text === folder || text.startsWith(`${folder}/`));
      order = [];
      for (let row = 0; row < count; row++)
        if (inFolder[place[row]] && holds(row) && words.every((word) => haystacks[row].includes(word))) order.push(row);
      const key = ORDERS[choices.elements.order.value];
      const keys = new Map(order.map((row) => [row, key(row)]));
      order.sort((a, b) => keys.get(a) - keys.get(b) || a - b);
      turn(0);
    };

    // The cards.

    // Both lie beside each other in one file, of which half is shown; of a photograph without a result the whole.
    const half = (row, side, single) => {
      const image = element("img", { className: `half ${side}` });
      const fit = (width, height) => image.style.setProperty("--ratio", width / height);
      if (rows.width[row] && rows.height[row]) fit(rows.width[row], rows.height[row]);
      image.addEventListener("load", () => fit(image.naturalWidth / (single ? 1 : 2), image.naturalHeight));
      return image;
    };

    const picture = (row, side, single) => {
      const address_ = side === "before" ? before(row) : after(row);
      const source = thumbnail(row);
      const words = single ? titleOf(row) : `${titleOf(row)}, ${side}`;
      if (!source) return element("a", { href: address_, target: "_blank", rel: "noopener" }, words);
      const image = half(row, side, single);
      image.alt = words;
      image.decoding = "async";
      const link = element("a", { href: address_, target: "_blank", rel: "noopener" }, image);
      image.addEventListener("error", () => link.replaceChildren(words));
      image.src = source;
      return link;
    };

    const figures = (row) => {
      const said = [];
      if (doubt[row] >= 0) said.push(`doubt ${(doubt[row] / 10).toFixed(1)}`);
      if (chroma[row] >= 0) said.push(`colour ${(chroma[row] / 10).toFixed(1)}`);
      if (rows.width[row]) said.push(`${rows.width[row]} × ${rows.height[row]}`);
      if (state[row] === DONE) said.push(`${rows.seconds[row]} s`);
      return said.join(" · ");
    };

    const card = (row, number) => {
      const single = state[row] !== DONE;
      const made = element("li", { className: `card ${rows.states[state[row]]}` });
      made.dataset.number = number;
      const pair = element("div", { className: `pair${single ? " single" : ""}` }, picture(row, "before", single));
      if (!single) pair.append(picture(row, "after", false));
      const compare = element("button", { type: "button", textContent: "compare" });
      compare.setAttribute("aria-label", `compare ${titleOf(row)}`);
      compare.addEventListener("click", () => open(number));
      made.append(pair, element("div", { className: "name" }, element("h2", { textContent: titleOf(row) }), compare));
      if (folderOf(row)) made.append(element("p", { textContent: placeOf(row) }));
      if (texts[row]) made.append(element("p", { className: single ? "why" : "note", textContent: shown(texts[row]) }));
      const named = rows.flags_named.filter((label, bit) => (flags[row] >> bit) & 1);
      if (named.length)
        made.append(element("ul", { className: "flags" }, ...named.map((label) => element("li", { textContent: label }))));
      if (figures(row)) made.append(element("p", { textContent: figures(row) }));
      return made;
    };

    const pages = () => Math.max(1, Math.ceil(order.length / PER_PAGE));

    const turn = (page) => {
      chosen.page = Math.min(Math.max(0, page), pages() - 1);
      const first = chosen.page * PER_PAGE;
      const seen = order.slice(first, first + PER_PAGE);
      const cards = seen.map((row, i) => card(row, first + i));
      if (!cards.length) cards.push(element("li", { className: "none", textContent: "No photograph fits." }));
      find(".cards").replaceChildren(...cards);
      const of = order.length.toLocaleString("en").replaceAll(",", " ");
      find("[role=status]").textContent = order.length ? `${first + 1} to ${first + seen.length} of ${of}` : "none";
      for (const nav of document.querySelectorAll(".pages")) {
        nav.hidden = pages() < 2;
        nav.querySelector("input").value = chosen.page + 1;
        nav.querySelector("input").max = pages();
        nav.querySelector(".last").textContent = `of ${pages()}`;
        nav.querySelector(".back").disabled = chosen.page === 0;
        nav.querySelector(".next").disabled = chosen.page === pages() - 1;
      }
    };

    const turned = (page) => {
      turn(page);
      find("section").focus({ preventScroll: true });
      find("main").scrollIntoView();
    };

    for (const nav of document.querySelectorAll(".pages")) {
      const button = (className, text, by) => {
        const made = element("button", { type: "button", className, textContent: text });
        made.addEventListener("click", () => turned(chosen.page + by));
        return made;
      };
      const number = element("input", { type: "number", min: 1 });
      number.addEventListener("change", () => turned((Math.round(Number(number.value)) || 1) - 1));
      const label = element("label", {}, "page ", number, element("span", { className: "last" }));
      nav.append(button("back", "← previous page", -1), label, button("next", "next page →", 1));
    }

    choices.addEventListener("submit", (event) => event.preventDefault());
    choices.addEventListener("change", (event) => {
      if (event.target.name === "view") chosen.view = event.target.value;
      if (event.target.name !== "text") apply();
    });
    let waiting = 0;
    choices.elements.text.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(apply, 150);
    });

    // Both in one place, one after the other.

    const dialog = find("dialog");
    const stage = find(".stage");
    const looked = { number: 0, side: "after" };

    const look = () => {
      const row = order[looked.number];
      const single = state[row] !== DONE;
      const side = single ? "before" : looked.side;
      const words = `${titleOf(row)}, ${side}`;
      stage.setAttribute("aria-label", words);
      const image = element("img", { alt: words });
      image.addEventListener("error", () => {
        // A browser shows no TIFF file, but its thumbnail.
        if (!thumbnail(row)) return stage.replaceChildren(words);
        const small = half(row, side, single);
        small.alt = words;
        small.addEventListener("error", () => stage.replaceChildren(words));
        small.src = thumbnail(row);
        stage.replaceChildren(small);
      });
      image.src = side === "before" ? before(row) : after(row);
      stage.replaceChildren(image);
      find("#compared").textContent = titleOf(row);
      find(".swap").textContent = side === "before" ? "show after" : "show before";
      find(".swap").disabled = single;
      find(".said").textContent = [single ? "" : side, placeOf(row), shown(texts[row] || ""), figures(row)].filter(Boolean).join(" · ");
      find(".moves .back").disabled = looked.number === 0;
      find(".moves .next").disabled = looked.number === order.length - 1;
    };
    const open = (number) => {
      looked.number = number;
      looked.side = "after";
      look();
      dialog.showModal();
      stage.focus();
    };
    const move = (by) => {
      const number = looked.number + by;
      if (number < 0 || number >= order.length) return;
      looked.number = number;
      look();
    };
    const swap = () => {
      looked.side = looked.side === "after" ? "before" : "after";
      look();
    };
    stage.addEventListener("click", swap);
    find(".swap").addEventListener("click", swap);
    find(".moves .back").addEventListener("click", () => move(-1));
    find(".moves .next").addEventListener("click", () => move(1));
    find(".close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") move(-1);
      else if (event.key === "ArrowRight") move(1);
      else return;
      event.preventDefault();
    });
    dialog.addEventListener("close", () => {
      const page = Math.floor(looked.number / PER_PAGE);
      if (page !== chosen.page) turn(page);
      find(`[data-number="${looked.number}"] .name button`)?.focus();
    });

    document.addEventListener("keydown", (event) => {
      if (dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
      const at = document.activeElement;
      const here = at.closest(".card");
      if (at !== document.body && !at.closest("section")) return;
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
        const cards = [...document.querySelectorAll(".card")];
        const next = here ? cards.indexOf(here) + (event.key === "ArrowRight" ? 1 : -1) : 0;
        cards[next]?.querySelector("a").focus();
      } else if (event.key === "n" && at !== document.body) turned(chosen.page + 1);
      else if (event.key === "p" && at !== document.body) turned(chosen.page - 1);
      else if (event.key === "c" && here) open(Number(here.dataset.number));
      else return;
      event.preventDefault();
    });

    apply();
  };

  if (rows) start();
  else {
    const lost = decodeURIComponent(find("script[src]").getAttribute("src").split("/")[1]);
    const textContent = `${lost} does not lie beside this page: copy it there, or run tintype summary again.`;
    find("main").replaceChildren(element("p", { className: "trouble", textContent }));
  }
}
