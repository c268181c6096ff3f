// One pair after the other: a cross, the pictures for their time, an answer.
"use strict";
const stage = document.getElementById("stage");
const { left, right, place, said, go } = Object.fromEntries(
  ["left", "right", "place", "said", "go"].map((id) => [id, document.getElementById(id)]),
);
const sides = { left, right };
const practice = Number(stage.dataset.practice);
const total = practice + Number(stage.dataset.trials);
const exposure = 1000 * Number(stage.dataset.exposure);
const texts = JSON.parse(stage.dataset.texts);
const say = (name, values = {}) => texts[name].replace(/\{(\w+)\}/g, (_, word) => values[word]);
const CROSS = 700; // milliseconds
const KEYS = { ArrowLeft: "left", f: "left", F: "left", ArrowRight: "right", j: "right", J: "right" };

// Set here, as the page may have no styles of its own.
stage.style.setProperty("--side", `${stage.dataset.size}px`);

const phase = (name) => (stage.dataset.phase = name);
const frame = () => new Promise(requestAnimationFrame);
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** Waits for the button, which says `words`. */
function pressed(words) {
  go.textContent = words;
  go.hidden = false;
  go.focus({ preventScroll: true });
  return new Promise((done) => {
    go.onclick = () => {
      go.hidden = true;
      done();
    };
  });
}

// ---- the pictures

const fetched = new Map();

/** Both pictures of a trial, decoded, so that showing them takes no time. */
function pictures(number) {
  if (!fetched.has(number)) {
    const pair = Object.keys(sides).map(async (side) => {
      const picture = new Image();
      picture.draggable = false;
      picture.src = `/picture/${number}/${side}`;
      await picture.decode();
      return picture;
    });
    fetched.set(number, Promise.all(pair));
  }
  return fetched.get(number);
}

async function ready(number) {
  for (;;) {
    try {
      return await pictures(number);
    } catch {
      fetched.delete(number);
      said.textContent = say("unfetched");
      await pressed(say("again"));
    }
  }
}

/** Shows a pair for its time; when it was hidden, how long it was seen, and how many frames the screen has a second. */
async function show(pair) {
  Object.values(sides).forEach((choice, i) => {
    pair[i].alt = "";
    choice.querySelector(".picture").replaceChildren(pair[i]);
  });
  // Around both, so that no frame marks one of them, and neither is nearer to the keyboard.
  document.getElementById("pair").focus({ preventScroll: true });
  const gaps = [];
  let now = await frame();
  // Until the frame that is nearest to the time that is asked for.
  const wait = async (time) => {
    const begun = now;
    while (now - begun < time - (gaps.length ? median([...gaps]) / 2 : 0)) {
      const next = await frame();
      gaps.push(next - now);
      now = next;
    }
    return now - begun;
  };
  phase("cross");
  await wait(CROSS);
  phase("shown");
  const seen = await wait(exposure);
  phase("asked");
  return { hidden: now, exposure_ms: seen, refresh_hz: 1000 / median(gaps) };
}

// ---- the answer

/** Waits for a key, a click or a tap. */
function choice(hidden) {
  return new Promise((done) => {
    let pointer = "mouse";
    const listening = new AbortController();
    const { signal } = listening;
    const choose = (side, input, time) => {
      listening.abort();
      done({ left: side === "left", input, reaction_ms: Math.max(0, time - hidden) });
    };
    const key = (event) => {
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
      event.preventDefault();
      choose(KEYS[event.key], "keyboard", event.timeStamp);
    };
    addEventListener("keydown", key, { signal });
    addEventListener("pointerdown", (event) => (pointer = event.pointerType === "mouse" ? "mouse" : "touch"), { signal });
    for (const [side, button] of Object.entries(sides)) {
      // A button that is pressed by a key tells a click of no button.
      const click = (event) => choose(side, event.detail ? pointer : "keyboard", event.timeStamp);
      button.addEventListener("click", click, { signal });
    }
  });
}

/** Brings an answer to the server, which may need several attempts; resolves to what it says. */
async function send(answer) {
  for (;;) {
    let problem = say("unanswered");
    try {
      const body = JSON.stringify(answer);
      const reply = await fetch("/answer", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      const words = await reply.json();
      if (reply.ok) return words;
      if ([403, 404, 409].includes(reply.status)) {
        // Another window went on, or the data were deleted: the server knows where we are.
        location.assign("/");
        await new Promise(() => {});
      }
      problem = words.error.replace(/\.$/, "");
    } catch {
      // As it stands.
    }
    said.textContent = say("unsent", { problem });
    await pressed(say("send"));
  }
}

/** Says whether an answer was right; the quiz also shows the pair again, with the computer's picture marked. */
async function tell(correct, answer) {
  const machine = answer.left === correct ? "left" : "right";
  said.textContent = say(`${correct ? "correct" : "wrong"}_${machine}`);
  if (stage.dataset.told === "all") {
    sides[machine].querySelector(".made").textContent = say("mark");
    phase("told");
  }
  await pressed(say("next"));
  for (const button of Object.values(sides)) button.querySelector(".made").textContent = "";
}

// ---- one after the other

async function run() {
  let number = Number(stage.dataset.number);
  let begin = true;
  for (; number < total; number++) {
    const test = number - practice;
    place.textContent =
      test < 0
        ? say("place_practice", { number: number + 1, count: practice })
        : say("place", { number: test + 1, count: total - practice });
    phase("wait");
    const pair = await ready(number);
    if (begin || test === 0) {
      const over = say(stage.dataset.told === "all" ? "practised_quiz" : "practised");
      said.textContent = `${test === 0 && practice ? `${over} ` : ""}${say("look")}`;
      phase("start");
      await pressed(say(number ? "go_on" : "first"));
      begin = false;
    }
    said.textContent = "";
    const { hidden, ...seen } = await show(pair);
    said.textContent = say("question");
    if (number + 1 < total) pictures(number + 1).catch(() => {});
    const chosen = await choice(hidden);
    phase("wait");
    said.textContent = "";
    const answer = { trial: number, left: chosen.left, input: chosen.input, reaction_ms: chosen.reaction_ms, ...seen };
    const reply = await send(answer);
    if ("correct" in reply) await tell(reply.correct, chosen);
    fetched.delete(number);
  }
  location.assign("/thanks");
}
run();
