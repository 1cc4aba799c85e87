/**
 * A query of numbers: one field a column, or all of them pasted.
 */
import { h, labelled } from "./dom.js";

const MOST_FIELDS = 60;

export function valuesPane({ modality, units, onSubmit }) {
  const { columns, shape } = modality.input;
  const n = shape.reduce((product, size) => product * size, 1);
  const named = columns.length === n;
  const fields =
    named && n <= MOST_FIELDS
      ? columns.map(() => h("input", { type: "text", inputmode: "decimal", autocomplete: "off" }))
      : [];
  const pasted = h("textarea", {
    rows: fields.length ? "2" : "5",
    "data-search": fields.length === 0,
    spellcheck: "false",
    placeholder: n > 3 ? "0.1, 0.2, …" : "0.1, 0.2",
  });
  const unitOf = (column) => {
    const unit = units[column] ?? units[modality.name];
    return unit ? `${column} (${unit})` : column;
  };
  const spread = () => {
    const values = split(pasted.value);
    if (!fields.length || values.length !== n) return;
    fields.forEach((field, i) => {
      field.value = values[i];
    });
  };
  pasted.addEventListener("input", spread);
  const enter = (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    onSubmit();
  };
  fields[0]?.setAttribute("data-search", "");
  for (const field of [...fields, pasted]) field.addEventListener("keydown", enter);
  const label = fields.length ? "Or paste a row" : `${n.toLocaleString("en")} numbers`;
  return {
    element: h(
      "div",
      { class: "pane" },
      fields.length
        ? h("div", { class: "columns" }, fields.map((field, i) => labelled(unitOf(columns[i]), field)))
        : null,
      labelled(label, pasted),
    ),
    query() {
      const texts = fields.length ? fields.map((field) => field.value) : split(pasted.value);
      const numbers = parse(texts, n, named ? columns : null);
      const input = named
        ? Object.fromEntries(columns.map((column, i) => [column, numbers[i]]))
        : nested(numbers, shape);
      return { modality: modality.name, input };
    },
  };
}

/** The values of a pasted row; of a table's header and row, those of the row. */
function split(text) {
  const lines = text.trim().replace(/^\[|\]$/g, "").split(/\n/).filter((line) => line.trim());
  const cells = (line) => line.trim().split(/[\t,;]\s*|\s+/).filter((cell) => cell !== "");
  const isNumber = (cell) => cell !== "" && Number.isFinite(Number(cell));
  const rows = lines.map(cells);
  if (rows.length === 2 && !rows[0].some(isNumber)) return rows[1];
  return rows.flat();
}

function parse(texts, n, columns) {
  if (texts.length !== n) {
    const few = texts.length === 1 ? "1 is" : `${texts.length} are`;
    throw new Error(`A row has ${n} numbers, but ${few} given.`);
  }
  return texts.map((text, i) => {
    const value = Number(text.trim() === "" ? NaN : text);
    if (Number.isFinite(value)) return value;
    const where = columns ? `Column ${columns[i]}` : `Value ${i + 1}`;
    const what = text.trim() === "" ? "is empty" : `is ${JSON.stringify(text)}`;
    throw new Error(`${where} ${what}: enter a number.`);
  });
}

/** Numbers in nested lists of a shape. */
function nested(numbers, shape) {
  if (shape.length === 1) return numbers;
  const size = numbers.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) =>
    nested(numbers.slice(i * size, (i + 1) * size), shape.slice(1)),
  );
}
