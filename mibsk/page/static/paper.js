/**
 * Is the paper of a modality's pictures dark or light? Judged by the borders of a few rows.
 */
import { borderLevel } from "./raster.js";

const ROWS = 3;

/** 0 for dark paper, which is also the answer without rows, 1 for light paper. */
export async function paperOf(backend, modality, nRows) {
  if (!nRows) return 0;
  const { rows } = await backend.rows(modality, 0, ROWS);
  const levels = [];
  for (const row of rows) {
    if (!row.media_type?.startsWith("image/")) continue;
    const response = await fetch(await backend.contentUrl(modality, row.id));
    levels.push(borderLevel(pixelsOf(await createImageBitmap(await response.blob()))));
  }
  const mean = levels.reduce((sum, level) => sum + level, 0) / (levels.length || 1);
  return mean > 0.5 ? 1 : 0;
}

/** The pixels of something that a canvas can draw, on white where it is transparent. */
export function pixelsOf(source) {
  const canvas = new OffscreenCanvas(source.width, source.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
