// How the whole picture looks: model, vividness, blend and temperature, with a picture that follows at once.

import { json } from "../api.js";
import { element } from "./element.js";

const SLIDERS = [
  // Numbers that are typed may be larger than the slider's end.
  { name: "vividness", label: "Vividness", min: 0, max: 2, most: 10, step: 0.05 },
  { name: "blend", label: "Strength", min: 0, max: 1, most: 1, step: 0.05 },
  { name: "temperature", label: "Temperature", min: 0.05, max: 1, most: 100, step: 0.05 },
];
const isResearch = ({ purpose }) => purpose === "research";
const PLAIN = { vividness: 1, blend: 1, temperature: null };

/** {element, render()}. live(settings): the picture with these alone, for a while; null ends that. */
export function looks(work, live) {
  let models = [];
  let moves = 0; // of sliders, so that the last one counts
  const rows = SLIDERS.map(row);
  const model = element("select", {
    id: "tool-model",
    onchange: () => work.commit(`the model ${model.value}`, { settings: { model: model.value, temperature: null } }),
  });
  const about = element("p", { className: "small" });
  const reset = element("button", { type: "button", className: "quiet", onclick: plain }, "Reset");
  const shown = element(
    "section",
    { className: "looks", "aria-labelledby": "looks-title" },
    element("header", {}, element("h2", { id: "looks-title" }, "Look"), reset),
    ...rows.map((one) => one.element),
    element("div", { className: "row" }, element("label", { for: "tool-model" }, "Model"), model),
    about,
  );

  json("/v1/models").then((answer) => {
    models = answer.models;
    const option = ({ name }) => element("option", { value: name }, name);
    const [research, others] = [models.filter(isResearch), models.filter((one) => !isResearch(one))];
    model.replaceChildren(
      ...others.map(option),
      ...(research.length ? [element("optgroup", { label: "For research" }, ...research.map(option))] : []),
    );
    render();
  }, (error) => work.failed(error));

  function row({ name, label, min, max, most, step }) {
    const range = element("input", {
      type: "range", id: `tool-${name}`, min, max, step,
      oninput: () => {
        number.value = range.value;
        moves++;
        live({ [name]: Number(range.value) });
      },
      onchange: () => settle(Number(range.value)),
    });
    const number = element("input", {
      type: "number", min: 0, max: most, step: "any", inputMode: "decimal", "aria-label": `${label}, as a number`,
      onchange: () => (number.value === "" ? show() : settle(number.valueAsNumber)),
    });

    async function settle(value) {
      const moment = (moves += 1);
      // The model's own temperature is none that somebody asked for.
      if (value !== current()) await work.commit(label.toLowerCase(), { settings: { [name]: value } });
      // Not before: the picture would fall back to what it was.
      if (moment === moves) live(null);
    }

    const current = () => work.settings[name] ?? work.photo?.[name] ?? 1;

    function show() {
      if (document.activeElement !== range || !range.matches(":active")) range.value = current();
      if (document.activeElement !== number || number.value === "" || work.trouble) number.value = Number(current().toFixed(3));
    }

    const line = element("div", { className: "row" }, element("label", { for: range.id }, label), range, number);
    return { name, element: line, show };
  }

  function plain() {
    const usual = models.find((one) => one.default);
    work.commit("a reset of the look", { settings: { ...PLAIN, ...(usual && { model: usual.name }) } });
  }

  function render() {
    const { photo } = work;
    shown.hidden = !photo;
    if (!photo) return;
    for (const one of rows) {
      one.show();
      if (one.name === "temperature") one.element.hidden = !photo.takes_temperature;
    }
    model.value = work.settings.model;
    const chosen = models.find(({ name }) => name === work.settings.model);
    about.textContent = chosen ? [chosen.licence && `Licence: ${chosen.licence}.`, !photo.takes_hints && "It takes no hints: no place can be given a colour."].filter(Boolean).join(" ") : "";
    const usual = models.find((one) => one.default)?.name ?? work.settings.model;
    reset.disabled = Object.entries({ ...PLAIN, model: usual }).every(([name, value]) => work.settings[name] === value);
  }

  return { element: shown, render };
}
