/**
 * The query: which modality, and by which way a row of it is given.
 */
import { h, newId } from "./dom.js";
import { classPane } from "./pane-class.js";
import { drawPane } from "./pane-draw.js";
import { paperOf } from "./paper.js";
import { rowsPane } from "./pane-rows.js";
import { uploadPane } from "./pane-upload.js";
import { valuesPane } from "./pane-values.js";
import { wordsPane } from "./pane-words.js";

const LONGEST = 60; // characters of a query that are repeated
const OWN = { Draw: "your drawing", Upload: "your picture", "Enter values": "your values" };
const MOST_VALUES = 4096; // numbers of a row that a person may paste

/** The ways to give a row of a modality: what they are called, and what makes them. */
function waysOf(modality, nRows) {
  const { input, display } = modality;
  const ways = nRows ? [["Pick a row", rowsPane]] : [];
  const size = input.shape.reduce((product, n) => product * n, 1);
  if (input.kind === "text") ways.push(["Type words", wordsPane]);
  else if (input.kind === "labels") ways.push(["Choose a class", classPane]);
  else if (display.kind === "image" && input.kind === "dense") {
    ways.push(["Draw", drawPane], ["Upload", uploadPane]);
  } else if (display.kind !== "audio" && size <= MOST_VALUES) ways.push(["Enter values", valuesPane]);
  return ways;
}

/**
 * Fill the section of the query.
 *
 * `onQuery(options)` is called when a query is complete, `onModality` when another
 * modality is chosen, `onWay` when another way is.
 */
export function queryView({ section, backend, manifest, summary, onQuery, onModality, onWay, onError }) {
  const { modalities } = manifest;
  const panes = h("div", { class: "ways" });
  let modality = null;
  let pane = null;
  let way = "";
  let papers = {};

  const nRowsOf = (name) => summary.modalities[name]?.n_rows ?? 0;

  const choices = modalities.map(({ name }) => {
    const field = h("input", { type: "radio", name: "modality", value: name });
    field.addEventListener("change", () => choose(name));
    return h("label", { class: "chip" }, field, h("span", {}, name));
  });
  const submit = h("button", { type: "button", class: "primary", onclick: () => onQuery({}) }, "Search");
  section.replaceChildren(
    h("fieldset", { class: "chips" }, h("legend", {}, "Search with"), choices),
    panes,
    h("div", { class: "buttons" }, submit),
  );

  async function choose(name, picked) {
    modality = modalities.find((each) => each.name === name);
    for (const choice of choices) {
      const field = choice.querySelector("input");
      field.checked = field.value === name;
    }
    const chosen = modality;
    if (modality.display.kind === "image" && !(name in papers)) {
      papers[name] = await paperOf(backend, name, nRowsOf(name)).catch(() => 0);
    }
    if (chosen !== modality) return; // another one was chosen in the meantime
    onModality(name);
    showWays(picked);
  }

  function showWays(picked) {
    const ways = waysOf(modality, nRowsOf(modality.name));
    const place = h("div", { role: "tabpanel", id: newId("way") });
    const tabs = ways.map(([title, make], i) => {
      const tab = h("button", { type: "button", role: "tab", id: newId("tab"), "aria-controls": place.id }, title);
      tab.addEventListener("click", () => open(i));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const to = (i + step + ways.length) % ways.length;
        tabs[to].focus();
        open(to);
      });
      return tab;
    });

    function open(at) {
      tabs.forEach((tab, i) => {
        tab.setAttribute("aria-selected", String(i === at));
        tab.tabIndex = i === at ? 0 : -1;
      });
      place.setAttribute("aria-labelledby", tabs[at].id);
      onWay();
      // a pane that is no longer shown asks for nothing
      const ask = (options) => made === pane && onQuery(options);
      const made = ways[at][1]({
        modality,
        backend,
        paper: papers[modality.name] ?? 0,
        units: manifest.data?.units ?? {},
        picked,
        onSubmit: (options = {}) => ask(options),
        onChange: () => ask({ still: true }),
        onError: (error) => made === pane && onError(error),
      });
      pane = made;
      way = ways[at][0];
      picked = undefined;
      place.replaceChildren(pane.element);
    }

    submit.hidden = ways.length === 0;
    if (!ways.length) {
      pane = null;
      onWay();
      panes.replaceChildren(
        h("p", { class: "muted" }, `Rows of ${modality.name} cannot be entered here, and the index has none to pick.`),
      );
      return;
    }
    panes.replaceChildren(h("div", { role: "tablist", class: "tabs", "aria-label": "Way to give a query" }, tabs), place);
    open(0);
  }

  return {
    choose,
    /** What a query is called: the row, the words, or the way by which it was given. */
    nameOf({ id, modality: from, input }) {
      if (id !== undefined) return `to row ${id} of ${from}`;
      if (OWN[way]) return `for ${OWN[way]}`;
      const text = String(input);
      return `for “${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}”`;
    },
    current() {
      if (!pane) throw new Error("There is no query yet.");
      return pane.query();
    },
  };
}
