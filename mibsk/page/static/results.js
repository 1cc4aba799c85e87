/**
 * The rows that were found, best first.
 */
import { contentView, table } from "./content.js";
import { h } from "./dom.js";
import { gridKeys } from "./grid-keys.js";

/** Elements of an answer; `onFollow(modality, id)` searches from one of its rows. */
export function resultsView({ backend, query, modality, results, onFollow }) {
  const list = h("ol", { class: "grid" });
  results.forEach((row, i) => list.append(card(row, i + 1)));
  gridKeys(list, ".result");
  return list;

  function card(row, rank) {
    const same = query.id !== undefined && query.id === row.id;
    const partner = same && query.modality !== modality;
    const itself = same && !partner;
    const label = [
      `Result ${rank}, row ${row.id}`,
      `similarity ${row.score.toFixed(3)}`,
      ...(partner ? ["the partner of the query"] : itself ? ["the query itself"] : []),
    ].join(", ");
    const content = contentView(backend, modality, row);
    const follow = h("button", { type: "button", class: "quiet follow", tabindex: "-1" }, "Use as query");
    follow.addEventListener("click", () => onFollow(modality, row.id));
    const bar = h("span", { class: "bar", "aria-hidden": "true" }, h("span", {}));
    bar.firstChild.style.setProperty("width", `${100 * Math.min(1, Math.max(0, row.score))}%`);
    const element = h(
      "li",
      { class: partner ? "result card partner" : "result card", "aria-label": label, tabindex: "-1" },
      h(
        "div",
        { class: "rank" },
        h("span", { class: "number" }, rank),
        same ? h("span", { class: "badge" }, partner ? "partner" : "the query") : null,
        h("span", { class: "score", title: "similarity" }, row.score.toFixed(3)),
      ),
      bar,
      content,
      h("div", { class: "id", title: row.id }, row.id),
      Object.keys(row.metadata).length ? table(row.metadata) : null,
      follow,
    );
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target !== element) return;
      event.preventDefault();
      onFollow(modality, row.id);
    });
    return element;
  }
}

/** One sentence about where the partner of a row is. */
export function partnerSentence({ rank, searched, nRows, filtered }) {
  if (rank === 1) return "Its partner is the nearest.";
  if (rank) return `Its partner has rank ${rank.toLocaleString("en")}.`;
  if (filtered) return "Its partner is not among them.";
  if (searched >= nRows) return "It has no partner there.";
  return `No partner of it is among the first ${searched.toLocaleString("en")}.`;
}
