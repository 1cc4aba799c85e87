/**
 * A query that is a picture: chosen, dropped or pasted.
 */
import { h } from "./dom.js";
import { pixelsOf } from "./paper.js";
import { borderLevel, paintRow, scaleByArea, sizeOf, toRow } from "./raster.js";
import { seen } from "./pane-draw.js";

export function uploadPane({ modality, paper, onChange, onError }) {
  const { height, width } = sizeOf(modality);
  const file = h("input", { type: "file", accept: "image/*", class: "hidden-file" });
  const drop = h(
    "label",
    { class: "drop" },
    file,
    h("strong", {}, "Choose a picture"),
    h("span", { class: "muted" }, "or drop or paste one here"),
  );
  const preview = h("canvas", { class: "pixels seen", "aria-hidden": "true" });
  const invert = h("input", { type: "checkbox", onchange: () => read(true) });
  const figure = seen(preview, modality);
  const options = h("label", { class: "check" }, invert, " Invert light and dark");
  figure.hidden = options.hidden = true;
  let picture = null;
  let row = null;

  async function load(blob) {
    if (!blob) return;
    try {
      picture = pixelsOf(await createImageBitmap(blob));
    } catch {
      onError(new Error(`${blob.name || "The file"} is not a picture that this browser can read.`));
      return;
    }
    invert.checked = Math.round(borderLevel(picture)) !== paper;
    figure.hidden = options.hidden = false;
    read(true);
  }

  function read(changed) {
    const image = invert.checked ? inverted(picture) : picture;
    row = toRow(scaleByArea(framed(image, width / height, paper), width, height), modality);
    paintRow(preview, row, modality);
    if (changed) onChange();
  }

  file.addEventListener("change", () => load(file.files[0]));
  const pane = h("div", { class: "pane" }, drop, options, figure);
  for (const kind of ["dragover", "dragenter"]) {
    pane.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  pane.addEventListener("dragleave", () => drop.classList.remove("over"));
  pane.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    load(event.dataTransfer.files[0]);
  });
  pane.addEventListener("paste", (event) => load(event.clipboardData.files[0]));
  return {
    element: pane,
    query() {
      if (!row) throw new Error("Choose a picture first.");
      return { modality: modality.name, input: row };
    },
  };
}

function inverted(image) {
  const data = image.data.map((value, i) => (i % 4 === 3 ? value : 255 - value));
  return new ImageData(data, image.width, image.height);
}

/** The whole picture on paper of another aspect, without distortion. */
function framed(image, aspect, paper) {
  const width = Math.max(image.width, Math.round(image.height * aspect));
  const height = Math.max(image.height, Math.round(image.width / aspect));
  if (width === image.width && height === image.height) return image;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = paper ? "#fff" : "#000";
  context.fillRect(0, 0, width, height);
  const left = Math.floor((width - image.width) / 2);
  context.putImageData(image, left, Math.floor((height - image.height) / 2));
  return context.getImageData(0, 0, width, height);
}
