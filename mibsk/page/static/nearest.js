/**
 * Search in vectors by inner product: exact, best first, ties by id.
 */

const ROUNDING = 1e-6; // of the product of two vectors of norm 1 in float32

/**
 * @param {Float32Array} vectors (n * d)
 * @param {Float32Array} query (d)
 * @param {(row: number) => boolean} passes
 * @returns {{row: number, score: number}[]} at most k
 */
export function nearest(vectors, query, ids, k, passes) {
  const d = query.length;
  const scores = new Float32Array(ids.length);
  const kept = new Float32Array(ids.length);
  let n = 0;
  for (let row = 0; row < ids.length; row++) {
    if (!passes(row)) {
      scores[row] = -Infinity;
      continue;
    }
    let score = 0;
    for (let i = 0, at = row * d; i < d; i++, at++) score += vectors[at] * query[i];
    // vectors of norm 1 that were rounded to float32 exceed it
    if (Math.abs(score) <= 1 + ROUNDING) score = Math.max(-1, Math.min(1, score));
    scores[row] = kept[n++] = score;
  }
  // numbers alone sort in a fraction of the time of pairs: first the score that the last one needs
  const least = n > k ? kept.subarray(0, n).sort()[n - k] : -Infinity;
  const found = [];
  for (let row = 0; row < ids.length; row++) {
    if (scores[row] !== -Infinity && scores[row] >= least) found.push({ row, score: scores[row] });
  }
  found.sort((a, b) => b.score - a.score || (ids[a.row] < ids[b.row] ? -1 : 1));
  return found.slice(0, k);
}

const COMPARE = {
  gte: (a, b) => a >= b,
  gt: (a, b) => a > b,
  lte: (a, b) => a <= b,
  lt: (a, b) => a < b,
  ne: (a, b) => a !== b,
};

/**
 * A test of rows by their metadata. A missing value passes no condition.
 *
 * @param {Object<string, any[]>} columns
 * @param {Object<string, string>} types of the columns; points in time are compared as such
 * @param {Object<string, any>} where equals a value, one of a list, or {gte, gt, lte, lt, ne}
 */
export function filterOf(columns, types, where = {}) {
  const tests = Object.entries(where).map(([name, given]) => {
    if (!(name in columns)) throw new Error(`There is no column ${name}.`);
    const isTime = types[name] === "datetime";
    const values = isTime ? columns[name].map(timeOf) : columns[name];
    const condition = isTime ? timesIn(given) : given;
    if (Array.isArray(condition)) return (row) => condition.includes(values[row]);
    if (condition === null || typeof condition !== "object") return (row) => values[row] === condition;
    const parts = Object.entries(condition);
    return (row) => values[row] !== null && parts.every(([key, other]) => COMPARE[key](values[row], other));
  });
  return (row) => tests.every((test) => test(row));
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d):?(\d\d))?)?$/;

/** Microseconds since 1970, as Python counts them; a time without a zone is one of UTC. */
export function timeOf(text) {
  if (text === null) return null;
  const found = TIME.exec(text);
  if (!found) throw new Error(`${text} is no date such as 2024-01-31 or 2024-01-31T12:00:00Z.`);
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0));
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  date.setUTCFullYear(year, month - 1, day); // Date.UTC takes 0 to 99 for 1900 to 1999
  const same = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  const [zoneHour, zoneMinute] = found.slice(9, 11).map((part) => Number(part ?? 0));
  if (!same || Math.max(hour, zoneHour) > 23 || Math.max(minute, zoneMinute, second) > 59) {
    throw new Error(`There is no time ${text}.`);
  }
  const shift = (found[8] === "-" ? -1 : 1) * (60 * zoneHour + zoneMinute);
  const parts = BigInt((found[7] ?? "").slice(0, 6).padEnd(6, "0"));
  return (BigInt(date.getTime()) - BigInt(shift) * 60000n) * 1000n + parts;
}

function timesIn(condition) {
  if (Array.isArray(condition)) return condition.map(timeOf);
  if (condition === null || typeof condition !== "object") return timeOf(condition);
  return Object.fromEntries(Object.entries(condition).map(([key, text]) => [key, timeOf(text)]));
}
