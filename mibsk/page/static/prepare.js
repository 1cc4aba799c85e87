/**
 * One row as the inputs of an exported encoder, checked as Python does.
 */

const ARRAYS = { float32: Float32Array, uint8: Uint8Array };

/**
 * Return the tensors' contents: {name: {type, data, dims}}.
 *
 * @param input the modality's "input" in the manifest
 * @param row nested lists, a mapping of columns, a string, or a label
 * @param text function of a string to {indices, values}
 */
export function prepare(input, row, text) {
  if (input.kind === "text") return sparseTensors(text(String(row)));
  if (input.kind === "labels") return { x: oneHot(input, row) };
  const ordered = isMapping(row) ? byColumn(input, row) : row;
  const numbers = [ordered].flat(Infinity);
  const size = input.shape.reduce((product, n) => product * n, 1);
  if (numbers.length !== size) {
    throw new Error(`A row of ${input.name} has ${size} numbers, got ${numbers.length}.`);
  }
  if (!numbers.every(Number.isFinite)) throw new Error(`A row of ${input.name} must have finite numbers.`);
  if (input.kind === "sparse") return sparseTensors(nonZero(numbers));
  const data = ARRAYS[input.dtype].from(numbers);
  if (input.dtype === "uint8" && numbers.some((value, i) => value !== data[i])) {
    throw new Error(`Rows of ${input.name} are whole numbers of 0 to 255.`);
  }
  if (!data.every(Number.isFinite)) throw new Error(`A row of ${input.name} has a number too large for float32.`);
  return { x: { type: input.dtype, data, dims: [1, ...input.shape] } };
}

function isMapping(row) {
  return row !== null && typeof row === "object" && !Array.isArray(row);
}

function byColumn({ name, columns }, row) {
  const missing = columns.filter((column) => !(column in row));
  if (missing.length || Object.keys(row).length !== columns.length) {
    throw new Error(`A row of ${name} has the columns ${columns.join(", ")}.`);
  }
  return columns.map((column) => row[column]);
}

function oneHot({ name, classes }, label) {
  const data = new Float32Array(classes.length);
  const code = classes.indexOf(label);
  if (code < 0) throw new Error(`${name} has no class ${JSON.stringify(label)}.`);
  data[code] = 1;
  return { type: "float32", data, dims: [1, classes.length] };
}

function nonZero(numbers) {
  const indices = numbers.flatMap((value, i) => (value ? [i] : []));
  return { indices, values: indices.map((i) => numbers[i]) };
}

/** Stored values of one row; a row without any has column 0 with value 0, which adds nothing. */
function sparseTensors({ indices, values }) {
  const stored = indices.length ? [...indices] : [0];
  const weights = indices.length ? [...values] : [0];
  const dims = [1, stored.length];
  return {
    indices: { type: "int64", data: BigInt64Array.from(stored, BigInt), dims },
    values: { type: "float32", data: Float32Array.from(weights), dims },
  };
}
