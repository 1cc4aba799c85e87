/**
 * The backend of a static site: encoders, vectors and search are in the browser.
 */
import { filterOf, nearest } from "./nearest.js";
import { prepare } from "./prepare.js";

export async function connect() {
  return new LocalBackend(await readJson("data/site.json"));
}

const address = (path) => new URL(path, document.baseURI).href;

async function read(path) {
  let response;
  try {
    response = await fetch(address(path));
  } catch {
    throw new Error(`${path} cannot be read. Serve this folder over HTTP, as python -m http.server does.`);
  }
  if (!response.ok) throw new Error(`${path} is missing of this site: write the site again.`);
  return response;
}

const readJson = async (path) => (await read(path)).json();

class LocalBackend {
  #site;
  #once = new Map();

  constructor(site) {
    this.#site = site;
  }

  /** What `make` returns, made once; after an error, again. */
  #keep(key, make) {
    if (!this.#once.has(key)) {
      this.#once.set(
        key,
        make().catch((error) => {
          this.#once.delete(key);
          throw error;
        }),
      );
    }
    return this.#once.get(key);
  }

  manifest() {
    return this.#keep("manifest", () => readJson("data/manifest.json"));
  }

  async summary() {
    return { modalities: this.#site.modalities };
  }

  async rows(modality, offset, limit) {
    const { ids } = await this.#table(modality);
    const last = Math.min(ids.length, offset + limit);
    const rows = [];
    for (let row = offset; row < last; row++) rows.push(await this.#row(modality, row));
    return { rows, n_rows: ids.length };
  }

  async contentUrl(modality, id) {
    const { rowOf, contents } = await this.#table(modality);
    return address(`${this.#site.modalities[modality].folder}/${contents[rowOf.get(id)]}`);
  }

  async search({ query, modality, k, where }) {
    const vector = await this.embed(query);
    const { ids, columns } = await this.#table(modality);
    const passes = filterOf(columns, this.#site.modalities[modality].columns, where);
    const found = nearest(await this.#vectors(modality), vector, ids, k, passes);
    const results = [];
    for (const { row, score } of found) results.push({ ...(await this.#row(modality, row)), score });
    return { results };
  }

  /** The embedding of a query: that of a row of the index, or what its encoder returns. */
  async embed({ modality, id, input }) {
    if (id !== undefined) {
      const { rowOf } = await this.#table(modality);
      const row = rowOf.get(id);
      if (row === undefined) throw new Error(`There is no row ${JSON.stringify(id)} of ${modality}.`);
      const vectors = await this.#vectors(modality);
      const { n_components: d } = await this.manifest();
      return vectors.subarray(row * d, (row + 1) * d);
    }
    const spec = (await this.manifest()).modalities.find(({ name }) => name === modality).input;
    const [runtime, session, text] = await Promise.all([this.#runtime(), this.#session(modality), this.#text(spec)]);
    const feeds = {};
    for (const [name, { type, data, dims }] of Object.entries(prepare(spec, input, text))) {
      feeds[name] = new runtime.Tensor(type, data, dims);
    }
    const { z } = await session.run(feeds);
    if (!z.data.every(Number.isFinite)) {
      throw new Error(`The encoder of ${modality} gave no number for this row: its values are far from the training.`);
    }
    return z.data;
  }

  #text(spec) {
    if (spec.kind !== "text") return null;
    return this.#keep("text", async () => (await import("./text.js")).hashedNgrams);
  }

  #runtime() {
    return this.#keep("runtime", async () => {
      const runtime = await import(address("runtime/ort.wasm.min.mjs"));
      runtime.env.wasm.numThreads = 1; // threads need headers that plain file servers do not send
      runtime.env.wasm.wasmPaths = address("runtime/");
      runtime.env.logLevel = "error";
      return runtime;
    });
  }

  #session(modality) {
    return this.#keep(`session ${modality}`, async () => {
      const file = await read(this.#site.encoders[modality]);
      const runtime = await this.#runtime();
      return runtime.InferenceSession.create(new Uint8Array(await file.arrayBuffer()));
    });
  }

  #table(modality) {
    return this.#keep(`table ${modality}`, async () => {
      const table = await readJson(`${this.#site.modalities[modality].folder}/rows.json`);
      return { ...table, rowOf: new Map(table.ids.map((id, row) => [id, row])) };
    });
  }

  #vectors(modality) {
    return this.#keep(`vectors ${modality}`, async () => {
      const file = await read(`${this.#site.modalities[modality].folder}/vectors.f32`);
      return new Float32Array(await file.arrayBuffer());
    });
  }

  async #row(modality, row) {
    const { ids, columns, media_types: types } = await this.#table(modality);
    const metadata = Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row]]));
    return { id: ids[row], metadata, media_type: types[row] };
  }
}
