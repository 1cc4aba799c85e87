/**
 * Pictures as rows of an encoder: scaled by the mean over areas, in the values of the training.
 */

/** Height, width and number of channels of the rows of an image modality. */
export function sizeOf({ input, display }) {
  const shape = input.shape;
  if (display.axes === "CHW") return { channels: shape[0], height: shape[1], width: shape[2] };
  return { height: shape[0], width: shape[1], channels: shape[2] ?? 1 };
}

/**
 * Scale pixels to `width` x `height`, each the mean of the area that it covers.
 *
 * @param {ImageData} image
 * @returns {Float64Array} (height * width * 4) of 0 to 1
 */
export function scaleByArea(image, width, height) {
  const across = spans(image.width, width);
  const down = spans(image.height, height);
  const scaled = new Float64Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      let area = 0;
      for (const [row, tall] of down[y]) {
        for (const [column, wide] of across[x]) {
          const from = 4 * (row * image.width + column);
          const weight = tall * wide;
          area += weight;
          for (let c = 0; c < 4; c++) scaled[at + c] += weight * image.data[from + c];
        }
      }
      for (let c = 0; c < 4; c++) scaled[at + c] /= 255 * area;
    }
  }
  return scaled;
}

/** Which of `from` pixels each of `to` pixels covers, and how much of each. */
function spans(from, to) {
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [(i * from) / to, ((i + 1) * from) / to];
    const covered = [];
    for (let pixel = Math.floor(start); pixel < Math.min(from, Math.ceil(end - 1e-9)); pixel++) {
      covered.push([pixel, Math.min(end, pixel + 1) - Math.max(start, pixel)]);
    }
    return covered;
  });
}

/** Whether a modality's rows are whole numbers. */
function isWhole({ dtype, pixels }) {
  return dtype === "uint8" || pixels === "byte" || pixels === "whole" || pixels === "boolean";
}

/**
 * Return the row, as nested lists of the modality's shape, of scaled pixels.
 */
export function toRow(scaled, modality) {
  const { height, width, channels } = sizeOf(modality);
  const { low, high, axes } = modality.display;
  const valueAt = (y, x, c) => {
    const level = low + (high - low) * levelOf(scaled, 4 * (y * width + x), c, channels);
    return isWhole(modality.input) ? Math.round(level) : level;
  };
  const list = (n, make) => Array.from({ length: n }, (_, i) => make(i));
  if (axes === "CHW") {
    return list(channels, (c) => list(height, (y) => list(width, (x) => valueAt(y, x, c))));
  }
  if (axes === "HWC") {
    return list(height, (y) => list(width, (x) => list(channels, (c) => valueAt(y, x, c))));
  }
  return list(height, (y) => list(width, (x) => valueAt(y, x, 0)));
}

/** 0 to 1 of one channel: grey as ITU-R BT.601 weighs the colours, which Pillow does too. */
function levelOf(scaled, at, channel, channels) {
  if (channels >= 3) return scaled[at + channel];
  return 0.299 * scaled[at] + 0.587 * scaled[at + 1] + 0.114 * scaled[at + 2];
}

/** Draw a row into a canvas of its size. */
export function paintRow(canvas, row, modality) {
  const { height, width, channels } = sizeOf(modality);
  const { low, high, axes } = modality.display;
  const read = {
    CHW: (y, x, c) => row[c][y][x],
    HWC: (y, x, c) => row[y][x][c],
    HW: (y, x) => row[y][x],
  }[axes];
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 4; c++) {
        const value = c === 3 && channels < 4 ? high : read(y, x, channels < 3 ? 0 : c);
        image.data[4 * (y * width + x) + c] = Math.round((255 * (value - low)) / (high - low));
      }
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Mean of 0 to 1 along the border of an image: dark paper or light paper? */
export function borderLevel(image) {
  const { width, height } = image;
  let [sum, n] = [0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (x > 0 && y > 0 && x < width - 1 && y < height - 1) continue;
      const at = 4 * (y * width + x);
      sum += (image.data[at] + image.data[at + 1] + image.data[at + 2]) / 765;
      n++;
    }
  }
  return sum / n;
}
