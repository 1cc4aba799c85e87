/**
 * What a row looks like: its picture, recording, text or values.
 */
import { formatValue, h } from "./dom.js";

const LONGEST = 400; // characters of a text that are shown
const MOST = 12; // values of a table row that are shown
const MAGNIFIED = 96; // pixels; smaller pictures are shown with square pixels

/** An element that fills itself; it says so if the content cannot be read. */
export function contentView(backend, modality, row) {
  const type = row.media_type ?? "";
  const view = h("div", { class: "content" });
  if (!type) return null;
  fill(view, backend, modality, row, type).catch(() => {
    view.replaceChildren(h("p", { class: "muted" }, "The content of this row cannot be shown."));
  });
  return view;
}

async function fill(view, backend, modality, row, type) {
  const name = `${modality} ${row.id}`;
  if (type.startsWith("image/")) {
    view.replaceChildren(await picture(await backend.contentUrl(modality, row.id), name));
  } else if (type.startsWith("audio/")) {
    const src = await backend.contentUrl(modality, row.id);
    const audio = h("audio", { controls: true, preload: "none", src });
    audio.setAttribute("aria-label", `Recording of ${name}`);
    audio.addEventListener("error", () => {
      view.replaceChildren(h("p", { class: "muted" }, "This recording cannot be played."));
    });
    audio.addEventListener("play", () => pauseOthers(audio));
    view.replaceChildren(audio);
  } else if (type.startsWith("text/") || type === "application/json") {
    const response = await fetch(await backend.contentUrl(modality, row.id));
    if (!response.ok) throw new Error(response.statusText);
    const text = await response.text();
    view.replaceChildren(type === "application/json" ? values(JSON.parse(text)) : words(text));
  } else {
    view.replaceChildren(h("p", { class: "muted" }, `A content of type ${type}.`));
  }
}

function picture(src, name) {
  return new Promise((resolve, reject) => {
    const image = h("img", { src, alt: name, draggable: "false" });
    image.addEventListener("load", () => {
      if (Math.max(image.naturalWidth, image.naturalHeight) <= MAGNIFIED) {
        image.classList.add("pixels");
      }
      resolve(image);
    });
    image.addEventListener("error", () => reject(new Error("not a picture")));
  });
}

function words(text) {
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return h("p", { class: "words" }, shown);
}

function values(parsed) {
  if (parsed === null || typeof parsed !== "object") return words(formatValue(parsed));
  return table(parsed);
}

/** Names and values, as of metadata. */
export function table(mapping) {
  const entries = Object.entries(mapping);
  const list = h("dl", { class: "values" });
  for (const [name, value] of entries.slice(0, MOST)) {
    const kind = typeof value === "number" ? { class: "figure" } : {};
    list.append(h("div", {}, h("dt", {}, name), h("dd", kind, formatValue(value))));
  }
  if (entries.length > MOST) {
    list.append(h("p", { class: "muted" }, `and ${entries.length - MOST} more`));
  }
  return list;
}

function pauseOthers(playing) {
  for (const audio of document.querySelectorAll("audio")) {
    if (audio !== playing) audio.pause();
  }
}
