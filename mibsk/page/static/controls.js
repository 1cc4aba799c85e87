/**
 * What is searched: the modality, the number of results, the filters.
 */
import { h, labelled } from "./dom.js";
import { filtersView } from "./filters.js";

const COUNTS = [5, 10, 20, 50, 100];

export function controlsView({ summary, onChange }) {
  const names = Object.keys(summary.modalities).filter((name) => summary.modalities[name].n_rows);
  const target = h("select", {}, names.map((name) => h("option", {}, name)));
  const count = h("select", {}, COUNTS.map((n) => h("option", { selected: n === 10 }, n)));
  const filters = filtersView({ onChange });
  const takeColumns = () => filters.setColumns(summary.modalities[target.value]?.columns ?? {});
  target.addEventListener("change", () => {
    takeColumns();
    onChange();
  });
  count.addEventListener("change", onChange);
  takeColumns();
  return {
    element: h(
      "div",
      { class: "controls" },
      labelled("Find", target),
      labelled("How many", count),
      filters.element,
    ),
    /** Look for another modality than that of the query, if there is one. */
    prefer(modality) {
      if (target.value !== modality) return;
      target.value = names.find((name) => name !== modality) ?? target.value;
      takeColumns();
    },
    setTarget(modality) {
      target.value = modality;
      takeColumns();
    },
    filterText: filters.text,
    current: () => ({ modality: target.value, k: Number(count.value), where: filters.where() }),
  };
}
