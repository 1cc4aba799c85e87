/**
 * The backend of the page that a server sends: it asks that server.
 */
import { askForToken, storedToken } from "./token.js";

const KEPT_URLS = 400; // contents kept in memory, when a token is needed to read them

export async function connect() {
  return new HttpBackend();
}

class HttpBackend {
  #urls = new Map();

  manifest() {
    return this.#json("manifest");
  }

  async summary() {
    try {
      return await this.#json("index");
    } catch (error) {
      if (error.code === "no_index") return { modalities: {} };
      throw error;
    }
  }

  rows(modality, offset, limit) {
    const page = new URLSearchParams({ offset, limit });
    return this.#json(`index/${encodeURIComponent(modality)}/rows?${page}`);
  }

  search({ query, modality, k, where, signal }) {
    return this.#json("search", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ query, modality, k, where }),
      signal,
    });
  }

  /** An address that elements can load: elements send no token, so with one it is in memory. */
  async contentUrl(modality, id) {
    const path = `index/${encodeURIComponent(modality)}/rows/${encodeURIComponent(id)}/content`;
    if (!storedToken()) return new URL(path, document.baseURI).href;
    if (!this.#urls.has(path)) {
      const response = await this.#fetch(path);
      this.#urls.set(path, URL.createObjectURL(await response.blob()));
      if (this.#urls.size > KEPT_URLS) {
        const [oldest, url] = this.#urls.entries().next().value;
        URL.revokeObjectURL(url);
        this.#urls.delete(oldest);
      }
    }
    return this.#urls.get(path);
  }

  async #json(path, options) {
    const response = await this.#fetch(path, options);
    try {
      return await response.json();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error(`The server answered ${path.split("?")[0]} with something that is not JSON.`);
    }
  }

  async #fetch(path, options = {}, refused = false) {
    const token = storedToken();
    const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
    let response;
    try {
      response = await fetch(new URL(path, document.baseURI), { ...options, headers });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error("The server does not answer. Check that it runs, and try again.");
    }
    if (response.ok) return response;
    if (response.status === 401) {
      await askForToken(token, refused);
      return this.#fetch(path, options, true);
    }
    throw await errorOf(response);
  }
}

async function errorOf(response) {
  let told = {};
  try {
    told = (await response.json()).error ?? {};
  } catch {
    // an answer of something between here and the server
  }
  const message = told.message ?? `The server refused this with status ${response.status}.`;
  return Object.assign(new Error(message), { code: told.code });
}
