/**
 * A query that is drawn, with a pointer or with keys.
 */
import { h, labelled } from "./dom.js";
import { paintRow, scaleByArea, sizeOf, toRow } from "./raster.js";

const SIDE = 320; // pixels of the longer side of the drawing, about

export function drawPane({ modality, paper, onChange }) {
  const { height, width, channels } = sizeOf(modality);
  const cell = Math.max(1, Math.round(SIDE / Math.max(height, width)));
  const help = "Draw with the mouse or a finger; or move with the arrow keys and hold Space.";
  const canvas = h("canvas", {
    width: cell * width,
    height: cell * height,
    class: "drawing",
    tabindex: "0",
    role: "application", // screen readers leave the arrow keys to it
    "aria-label": `Drawing of a query for ${modality.name}. ${help}`,
  });
  const preview = h("canvas", { class: "pixels seen", "aria-hidden": "true" });
  const brush = h("input", { type: "range", min: "1", max: "100", value: "35" });
  const colour = h("input", { type: "color", value: paper ? "#000000" : "#ffffff" });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let row = null;
  let last = null;

  const thickness = () => Math.max(1, (brush.value / 400) * Math.max(canvas.width, canvas.height));

  function clear() {
    context.fillStyle = paper ? "#fff" : "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    read();
    row = null;
  }

  function read() {
    const image = context.getImageData(0, 0, canvas.width, canvas.height);
    row = toRow(scaleByArea(image, width, height), modality);
    paintRow(preview, row, modality);
  }

  function line(from, to) {
    context.strokeStyle = context.fillStyle = colour.value;
    context.lineWidth = thickness();
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x + 0.01, to.y);
    context.stroke();
    read();
  }

  function pointOf(event) {
    const box = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) * canvas.width) / box.width,
      y: ((event.clientY - box.top) * canvas.height) / box.height,
    };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    last = pointOf(event);
    line(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last || !canvas.hasPointerCapture(event.pointerId)) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) {
      const point = pointOf(each);
      line(last, point);
      last = point;
    }
  });
  const lift = () => {
    if (last) onChange();
    last = null;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);

  const pen = keyboardPen(canvas, line, onChange);
  clear();
  return {
    element: h(
      "div",
      { class: "pane" },
      h("div", { class: "paper" }, canvas, pen.mark),
      h("p", { class: "muted small" }, help),
      h(
        "div",
        { class: "tools" },
        labelled("Brush", brush),
        channels >= 3 ? labelled("Colour", colour) : null,
        h("button", { type: "button", class: "quiet", onclick: clear }, "Clear"),
      ),
      seen(preview, modality),
    ),
    query() {
      if (!row) throw new Error("Draw something first.");
      return { modality: modality.name, input: row };
    },
  };
}

/** What the encoder sees, with a caption. */
export function seen(preview, modality) {
  const { height, width } = sizeOf(modality);
  const caption = `What the encoder sees: ${height} × ${width} pixels`;
  return h("figure", { class: "seen-figure" }, preview, h("figcaption", { class: "muted" }, caption));
}

/** A pen that the arrow keys move, and the Space key puts down. */
function keyboardPen(canvas, line, onChange) {
  const mark = h("span", { class: "pen", "aria-hidden": "true" });
  const step = Math.max(canvas.width, canvas.height) / 32;
  const at = { x: canvas.width / 2, y: canvas.height / 2 };
  let down = false;
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const place = () => {
    mark.style.setProperty("left", `${(100 * at.x) / canvas.width}%`);
    mark.style.setProperty("top", `${(100 * at.y) / canvas.height}%`);
  };
  canvas.addEventListener("keydown", (event) => {
    const from = { ...at };
    if (event.key === " ") down = true;
    else if (moves[event.key]) {
      at.x = Math.min(canvas.width, Math.max(0, at.x + step * moves[event.key][0]));
      at.y = Math.min(canvas.height, Math.max(0, at.y + step * moves[event.key][1]));
    } else return;
    event.preventDefault();
    place();
    if (down) line(from, at);
  });
  canvas.addEventListener("keyup", (event) => {
    if (event.key !== " ") return;
    down = false;
    onChange();
  });
  canvas.addEventListener("blur", () => {
    down = false;
  });
  place();
  return { mark };
}
