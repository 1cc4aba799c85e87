/**
 * Conditions on the columns of metadata, as the search takes them.
 */
import { h, labelled } from "./dom.js";

const NUMBER = /int|float|double|number|decimal|half|long/i;
const WHOLE = /int|long/i;
const BOOLEAN = /bool/i;
const ORDERED = /int|float|double|number|decimal|half|long|date|time/i;
const OF_ORDERED = { is: null, "is not": "ne", "at least": "gte", "at most": "lte" };
const OF_TEXTS = { is: null, "is not": "ne" };

export function filtersView({ onChange }) {
  const column = h("select", {});
  const operator = h("select", {});
  const value = h("input", { type: "text", autocomplete: "off" });
  const list = h("ul", { class: "filters" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const count = h("span", {});
  let types = {};
  let conditions = [];

  const operators = () => (ORDERED.test(types[column.value]) ? OF_ORDERED : OF_TEXTS);

  function showOperators() {
    operator.replaceChildren(...Object.keys(operators()).map((name) => h("option", {}, name)));
  }

  function add() {
    const text = value.value.trim();
    let read;
    try {
      read = readAs(types[column.value], text);
    } catch (error) {
      problem.textContent = `${column.value} ${error.message}`;
      problem.hidden = false;
      return;
    }
    problem.hidden = true;
    const one = { column: column.value, name: operator.value, key: operators()[operator.value], value: read };
    conditions = conditions.filter((each) => !clash(each, one)).concat(one);
    value.value = "";
    show();
    onChange();
  }

  function show() {
    list.replaceChildren(
      ...conditions.map((each) => {
        const text = textOf(each);
        const remove = h("button", { type: "button", class: "quiet", "aria-label": `Remove the filter ${text}` }, "×");
        remove.addEventListener("click", () => {
          conditions = conditions.filter((other) => other !== each);
          show();
          onChange();
          column.focus();
        });
        return h("li", {}, text, remove);
      }),
    );
    count.textContent = conditions.length ? ` (${conditions.length})` : "";
  }

  column.addEventListener("change", showOperators);
  value.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  });
  const element = h(
    "details",
    { class: "filter" },
    h("summary", {}, "Filters", count),
    h(
      "div",
      { class: "tools" },
      labelled("Column", column),
      labelled("Condition", operator),
      labelled("Value", value),
      h("button", { type: "button", class: "quiet", onclick: add }, "Add"),
    ),
    problem,
    list,
  );
  return {
    element,
    /** Offer the columns of another modality; conditions that it lacks are dropped. */
    setColumns(columns) {
      types = columns;
      conditions = conditions.filter((each) => each.column in types);
      column.replaceChildren(...Object.keys(types).map((name) => h("option", {}, name)));
      element.hidden = Object.keys(types).length === 0;
      problem.hidden = true;
      showOperators();
      show();
    },
    where: () => whereOf(conditions),
    /** The conditions as people read them, "" if there are none. */
    text: () => conditions.map(textOf).join(" and "),
  };
}

const textOf = ({ column, name, value }) => `${column} ${name} ${value}`;

/** The value of a condition on a column of some type. */
export function readAs(type, text) {
  if (BOOLEAN.test(type)) {
    const read = { true: true, false: false }[text.toLowerCase()];
    if (read === undefined) throw new Error(`takes true or false, not ${JSON.stringify(text)}.`);
    return read;
  }
  if (!NUMBER.test(type)) return text;
  const read = Number(text);
  if (text === "" || !Number.isFinite(read)) throw new Error(`takes a number, not ${JSON.stringify(text)}.`);
  if (WHOLE.test(type) && Math.abs(read) > Number.MAX_SAFE_INTEGER) {
    const limit = Number.MAX_SAFE_INTEGER;
    throw new Error(`takes whole numbers up to ${limit} here, as browsers round larger ones, not ${text}.`);
  }
  return read;
}

/** Whether one condition replaces another: the same of one column, or an equality. */
function clash(old, fresh) {
  return old.column === fresh.column && (old.key === fresh.key || !old.key || !fresh.key);
}

function whereOf(conditions) {
  const where = {};
  for (const { column, key, value } of conditions) {
    where[column] = key ? { ...where[column], [key]: value } : value;
  }
  return where;
}
