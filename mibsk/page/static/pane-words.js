/**
 * A query of words.
 */
import { h, labelled } from "./dom.js";

export function wordsPane({ modality, onSubmit }) {
  const field = h("textarea", { rows: "3", "data-search": true, spellcheck: "false" });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    onSubmit();
  });
  return {
    element: h("div", { class: "pane" }, labelled("Words to search with", field)),
    query() {
      if (!field.value.trim()) throw new Error("Type some words first.");
      return { modality: modality.name, input: field.value };
    },
  };
}
