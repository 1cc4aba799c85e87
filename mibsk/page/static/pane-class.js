/**
 * A query that is one of the classes of labels.
 */
import { h, labelled } from "./dom.js";

export function classPane({ modality, onChange }) {
  const { classes } = modality.input;
  const field = h(
    "select",
    { "data-search": true, onchange: onChange },
    classes.map((label, i) => h("option", { value: i }, String(label))),
  );
  return {
    element: h("div", { class: "pane" }, labelled(`Class of ${modality.name}`, field)),
    query: () => ({ modality: modality.name, input: classes[Number(field.value)] }),
  };
}
