/**
 * The page: a query on one side, the nearest rows of another modality on the other.
 */
import { controlsView } from "./controls.js";
import { h } from "./dom.js";
import { queryView } from "./query.js";
import { partnerSentence, resultsView } from "./results.js";
import { startTheme } from "./theme.js";

const DEEPEST = 1000; // rows among which a partner is looked for
const NARROW = matchMedia("(max-width: 52rem)");

const byId = (id) => document.getElementById(id);
const alertBox = byId("alert");
const results = byId("results");

function showError(error) {
  if (error.name === "AbortError") return;
  alertBox.textContent = error.message;
  alertBox.hidden = false;
  alertBox.scrollIntoView({ block: "nearest" });
}

async function connect() {
  const kind = document.querySelector('meta[name="mibsk-backend"]').content;
  const module = kind === "local" ? await import("./local.js") : await import("./http.js");
  return module.connect();
}

async function start() {
  startTheme(byId("theme"));
  results.replaceChildren(); // the script has started
  const backend = await connect();
  const manifest = await backend.manifest();
  const summary = inOrder(await backend.summary(), manifest);
  describe(manifest, summary);
  if (!Object.values(summary.modalities).some(({ n_rows: n }) => n)) {
    results.replaceChildren(...withoutIndex(manifest));
    return;
  }
  byId("query").hidden = false;
  wire(backend, manifest, summary);
}

function wire(backend, manifest, summary) {
  const status = h("p", { role: "status", class: "status" });
  const place = h("div", {});
  const controls = controlsView({ summary, onChange: () => search({ still: true }) });
  results.replaceChildren(controls.element, status, place);
  let running = null;
  let modality = null;

  const query = queryView({
    section: byId("query"),
    backend,
    manifest,
    summary,
    onQuery: search,
    onModality(name) {
      modality = name;
      controls.prefer(name);
    },
    onWay() {
      running?.abort();
      running = null;
      place.replaceChildren();
      status.textContent = "";
      alertBox.hidden = true;
    },
    onError: showError,
  });

  /** Search; `first` when the page asks by itself, `still` to leave the view where it is. */
  async function search({ first = false, still = false } = {}) {
    alertBox.hidden = true;
    running?.abort();
    const mine = (running = new AbortController());
    try {
      const asked = { query: query.current(), ...controls.current() };
      const names = { of: query.nameOf(asked.query), filters: controls.filterText() };
      status.textContent = "Searching …";
      place.setAttribute("aria-busy", "true");
      const answer = await backend.search({ ...asked, signal: mine.signal });
      if (mine !== running) return;
      show(asked, answer.results, names);
      if (NARROW.matches && !first && !still) results.scrollIntoView({ block: "start" });
      await findPartner(asked, answer.results, mine);
    } catch (error) {
      if (mine !== running) return;
      status.textContent = "";
      showError(error);
    } finally {
      if (mine === running) place.removeAttribute("aria-busy");
    }
  }

  function show(asked, rows, names) {
    const of = `of ${asked.modality}`;
    const found = rows.length === 1 ? `The nearest row ${of}` : `The ${rows.length} nearest rows ${of}`;
    const filters = names.filters && `, where ${names.filters}`;
    status.textContent = rows.length
      ? `${found} ${names.of}${filters}.`
      : `No row ${of} passes the filters: ${names.filters}.`;
    place.replaceChildren(resultsView({ backend, ...asked, results: rows, onFollow: follow }));
  }

  async function findPartner(asked, rows, mine) {
    const { id, modality: from } = asked.query;
    if (id === undefined || from === asked.modality) return;
    const nRows = summary.modalities[asked.modality].n_rows;
    const rankIn = (list) => list.findIndex((row) => row.id === id) + 1;
    let rank = rankIn(rows);
    let searched = rows.length;
    if (!rank && rows.length === asked.k) {
      const deep = { ...asked, k: Math.min(DEEPEST, nRows), signal: mine.signal };
      const further = await backend.search(deep).catch(() => null); // a server may allow fewer
      if (mine !== running) return;
      if (further) [rank, searched] = [rankIn(further.results), further.results.length];
    }
    const filtered = Object.keys(asked.where).length > 0;
    status.textContent += ` ${partnerSentence({ rank, searched, nRows, filtered })}`;
  }

  async function follow(from, id) {
    const target = modality !== from ? modality : controls.current().modality;
    controls.setTarget(target);
    await query.choose(from, id);
    results.focus({ preventScroll: true });
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input:not([type=radio]), textarea, select")) return;
    const field = document.querySelector("[data-search]") ?? document.querySelector(".drawing, .drop");
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select?.();
  });
  query.choose(firstModality(manifest, summary)).catch(showError);
}

/** What the index has, by modality of the bundle, in its order. */
function inOrder({ modalities }, manifest) {
  const names = manifest.modalities.map(({ name }) => name).filter((name) => name in modalities);
  return { modalities: Object.fromEntries(names.map((name) => [name, modalities[name]])) };
}

/** A modality that can be seen or heard, if there is one. */
function firstModality({ modalities }, summary) {
  const shown = modalities.filter(({ name }) => summary.modalities[name]?.n_rows);
  const best = shown.find(({ display }) => display.kind === "image") ?? shown[0] ?? modalities[0];
  return best.name;
}

function describe(manifest, summary) {
  byId("name").textContent = manifest.name;
  document.title = `${manifest.name} – search`;
  const counts = Object.entries(summary.modalities).map(
    ([name, { n_rows: n }]) => `${n.toLocaleString("en")} rows of ${name}`,
  );
  byId("about").textContent = ["Search one modality with another", ...counts].join(" · ");
  const { data = {} } = manifest;
  const facts = [
    `${manifest.n_components} components`,
    data.name && `trained on ${data.name}`,
    data.licence && `licence of the data: ${data.licence}`,
    `mibsk ${manifest.version}`,
    `space ${String(manifest.digest).slice(0, 12)}`,
  ];
  byId("footer").textContent = facts.filter(Boolean).join(" · ");
}

function withoutIndex(manifest) {
  const name = manifest.modalities[0]?.name ?? "NAME";
  return [
    h("h2", {}, "There is nothing to search yet"),
    h("p", {}, "Embed the rows of each modality into an index, and start the server with it:"),
    h("pre", {}, `mibsk index BUNDLE ${name} ROWS.npy --out INDEX\nmibsk serve BUNDLE --index INDEX`),
  ];
}

start().catch((error) => {
  results.replaceChildren();
  showError(error);
});
