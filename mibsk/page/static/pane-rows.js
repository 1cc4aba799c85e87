/**
 * A query that is a row of the index, picked from a list.
 */
import { contentView, table } from "./content.js";
import { h, labelled } from "./dom.js";
import { gridKeys } from "./grid-keys.js";

const PAGE = 24;

export function rowsPane({ modality, backend, picked, onSubmit, onError }) {
  const list = h("ul", { class: "picker" });
  const range = h("span", { class: "muted", role: "status" });
  const back = h("button", { type: "button", class: "quiet", onclick: () => show(offset - PAGE) }, "Previous");
  const next = h("button", { type: "button", class: "quiet", onclick: () => show(offset + PAGE) }, "Next");
  const field = h("input", { type: "text", "data-search": true, autocomplete: "off", spellcheck: "false" });
  let offset = 0;
  let asked = 0;
  let shown = false;

  function pick(id) {
    picked = field.value = id;
    mark();
  }

  function mark() {
    for (const button of list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.id === picked));
    }
  }

  async function show(from) {
    const mine = ++asked;
    try {
      const page = await backend.rows(modality.name, from, PAGE);
      if (mine !== asked) return;
      offset = from;
      const last = from + page.rows.length;
      const [start, end, all] = [from + 1, last, page.n_rows].map((n) => n.toLocaleString("en"));
      range.textContent = `${start}–${end} of ${all}`;
      back.disabled = from === 0;
      next.disabled = last >= page.n_rows;
      list.replaceChildren(...page.rows.map(item));
      gridKeys(list, "button");
      if (shown) return mark();
      shown = true;
      const first = picked === undefined;
      pick(picked ?? page.rows[0].id);
      onSubmit({ first });
    } catch (error) {
      onError(error);
    }
  }

  function item(row) {
    const label = describe(row);
    const button = h(
      "button",
      { type: "button", "aria-pressed": "false", "aria-label": `Row ${row.id}${label}`, title: row.id },
      row.media_type?.startsWith("audio/") ? null : thumbnail(row),
      h("span", { class: "id" }, row.id),
    );
    button.dataset.id = row.id;
    button.addEventListener("click", () => {
      pick(row.id);
      onSubmit();
    });
    const type = row.media_type ?? "";
    if (type.startsWith("image/")) return h("li", {}, button);
    if (!type.startsWith("audio/")) return h("li", { class: "broad" }, button);
    return h("li", { class: "wide" }, button, contentView(backend, modality.name, row));
  }

  function thumbnail(row) {
    const content = contentView(backend, modality.name, row);
    if (content) return content;
    return Object.keys(row.metadata).length ? table(row.metadata) : null;
  }

  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    onSubmit();
  });
  field.addEventListener("input", () => {
    picked = field.value;
    mark();
  });
  show(0);
  return {
    element: h(
      "div",
      { class: "pane" },
      list,
      h("div", { class: "pages" }, back, range, next),
      labelled("Row with the id", field),
    ),
    query() {
      if (!picked) throw new Error("Pick a row first.");
      return { modality: modality.name, id: picked };
    },
  };
}

function describe(row) {
  const entries = Object.entries(row.metadata).slice(0, 4);
  return entries.length ? `, ${entries.map(([name, value]) => `${name} ${value}`).join(", ")}` : "";
}
