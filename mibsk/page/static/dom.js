/**
 * Elements made of text, never of markup: nothing that comes from data can become script.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

let made = 0;

/** A label with its field. */
export function labelled(text, field, className = "field") {
  field.id ||= `field-${++made}`;
  return h("div", { class: className }, h("label", { for: field.id }, text), field);
}

/** A new id, for attributes that refer to another element. */
export function newId(prefix) {
  return `${prefix}-${++made}`;
}

/** A number as people read it. */
export function formatNumber(value) {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return String(Number(value.toPrecision(5)));
}

/** A value of a column of metadata as text. */
export function formatValue(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
