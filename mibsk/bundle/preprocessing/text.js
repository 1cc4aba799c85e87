// Text as the input of an encoder exported by mibsk: hashed character n-grams.
//
// Each word, in lower case and with a space on both sides, gives its 2-, 3- and 4-grams of characters.
// An n-gram is hashed (MurmurHash3, 32 bits, of its UTF-8 bytes) to one of 2^15 columns and to a sign.
// The values of a row are the sums of signs by column, scaled to unit norm.
//
// It uses nothing but the language. Lower case is that of Unicode 14, in all engines alike: the
// tables below contain what `toLowerCase` would take from the Unicode version of the engine.

const N_COLUMNS = 1 << 15;
const SHORTEST = 2;
const LONGEST = 4;

// Runs of letters that have a lower case: distance from the last run, length, step, and difference.
const LOWER =
  "1t,q,1,w 3j,n,1,w o,7,1,w 14,o,2,1 1e,3,2,1 7,8,2,1 h,n,2,1 1a,1,1,-3d 1,3,2,1 8,1,1,5u " +
  "1,2,2,1 4,1,1,5q 1,1,1,1 2,2,1,5p 2,1,1,1 3,1,1,27 1,1,1,5m 1,1,1,5n 1,1,1,1 2,1,1,5p " +
  "1,1,1,5r 2,1,1,5v 1,1,1,5t 1,1,1,1 4,1,1,5v 1,1,1,5x 2,1,1,5y 1,3,2,1 6,1,1,62 1,1,1,1 " +
  "2,1,1,62 3,1,1,1 2,1,1,62 1,1,1,1 2,2,1,61 2,2,2,1 4,1,1,63 1,1,1,1 4,1,1,1 8,1,1,2 1,1,1,1 " +
  "2,1,1,2 1,1,1,1 2,1,1,2 1,9,2,1 j,9,2,1 j,1,1,2 1,2,2,1 4,1,1,-2p 1,1,1,-1k 1,k,2,1 " +
  "14,1,1,-3m 2,9,2,1 o,1,1,8bv 1,1,1,1 2,1,1,-4j 1,1,1,8bs 3,1,1,1 2,1,1,-5f 1,1,1,1x 1,1,1,1z " +
  "1,5,2,1 8a,2,2,1 6,1,1,1 9,1,1,38 7,1,1,12 2,3,1,11 4,1,1,1s 2,2,1,1r 3,h,1,w i,9,1,w " +
  "18,1,1,8 9,c,2,1 s,1,1,-1o 3,1,1,1 2,1,1,-7 1,1,1,1 3,3,1,-3m 3,g,1,28 g,w,1,w 28,h,2,1 " +
  "16,r,2,1 1i,1,1,f 1,7,2,1 f,1c,2,1 2p,12,1,1c 29b,12,1,5ls 13,1,1,5ls 6,1,1,5ls k3,28,1,tzk " +
  "28,6,1,8 1pc,17,1,-2bk 19,3,1,-2bk 8z,23,2,1 4e,1,1,-5vj 2,1c,2,1 2w,8,1,-8 g,6,1,-8 " +
  "g,8,1,-8 g,8,1,-8 g,6,1,-8 h,4,2,-8 f,8,1,-8 w,8,1,-8 g,8,1,-8 g,8,1,-8 g,2,1,-8 2,2,1,-22 " +
  "2,1,1,-9 c,4,1,-2e 4,1,1,-9 c,2,1,-8 2,2,1,-2s e,2,1,-8 2,2,1,-34 2,1,1,-7 c,2,1,-3k " +
  "2,2,1,-3i 2,1,1,-9 8a,1,1,-5st 4,1,1,-6gv 1,1,1,-6di 7,1,1,s 1a,g,1,g z,1,1,1 mr,q,1,q " +
  "1fu,1c,1,1c 2o,1,1,1 2,1,1,-8af 1,1,1,-2xy 1,1,1,-89z 3,3,2,1 6,1,1,-8bg 1,1,1,-8al " +
  "1,1,1,-8bj 1,1,1,-8bi 2,1,1,1 3,1,1,1 9,2,1,-8cf 2,1e,2,1 2z,2,2,1 7,1,1,1 nym,n,2,1 " +
  "1s,e,2,1 4i,7,2,1 g,v,2,1 1z,2,2,1 4,1,1,-r9g 1,5,2,1 d,1,1,1 2,1,1,-wmg 3,2,2,1 6,a,2,1 " +
  "k,1,1,-wn8 1,1,1,-wnj 1,1,1,-wnf 1,1,1,-wn5 1,1,1,-wn8 2,1,1,-wlu 1,1,1,-wmi 1,1,1,-wlx " +
  "1,1,1,ps 1,8,2,1 g,1,1,-1c 1,1,1,-wn7 1,1,1,-raw 1,2,2,1 9,1,1,1 6,2,2,1 v,1,1,1 h7w,q,1,w " +
  "yn,14,1,14 4w,10,1,14 5c,b,1,13 c,f,1,13 g,7,1,13 8,2,1,13 1d8,1f,1,1s 2e8,w,1,w gww,w,1,w " +
  "o8w,y,1,y";

// Ranges of letters with a case, and of marks that are skipped beside a final sigma: distance from
// the last range, and length if not 1.
const CASED =
  "1t,q w,q 21 b 5 6,n o,v w,5f 5g,4 8,5s 5t,r 63,4 6,2 5,3 4 7 2,3 4 2,k l,2b 2c,3v 43,4m " +
  "4n,12 1b,15 280,12 13 6 3,17 19,3 ir,2e 2g,6 1oo,9 g,17 19,3 1v,18 2z,d e,y 3r,7q 7s,6 8,12 " +
  "14,6 8,8 9 2 2 2,v x,1h 1i,7 8 4,3 4,7 a,4 6,6 a,d i,3 4,7 7g 5 3,a b 4,5 b 2 2 2,4 5,6 a " +
  "3,4 9,5 9 i,w z,2 mr,1g 1fu,3g 3i,2v 31,4 7,2 e,12 13 6 nwz,1a 1s,s 4i,26 27,n q,4 5,1n 1s,2 " +
  "3 2,5 w,2 5 mu,17 1c,9 g,28 fps,7 j,5 su,q w,q xr,28 4w,10 14,10 48,b c,f g,7 8,2 3,b c,f " +
  "g,7 8,2 1c5,1f 1s,1f 2cg,1s gww,1s k3k,2d 2e,1z 20,2 4 3,2 4,4 5,c d 2,7 8,1t 1u,4 6,8 9,7 " +
  "8,s t,4 5,5 6 4,7 8,9g 9i,p q,p q,v w,p q,v w,p q,v w,p q,v w,p q,8 1fg,a b,k 1yt,1w 1m8,q " +
  "w,q w,q";

const IGNORABLE =
  "13 7 c 10 2 20 5 2 5 3,2 e1,5c 5g,2 6 a,2 3 70,7 5y 6 1e,19 1a 2,2 3,2 3 19 c,6 g,b c 10 b,l " +
  "11 2u,8 9,a b,4 11 2 v,r 3a,b 1x,b f 3 p,o 1v,3 1b 8,2 8,8 1d,1m 35 2 5,8 c 4,7 h,2 f g 1n " +
  "5,4 c l,2 s 3,2 1n 5,2 6,2 4,3 6 v,2 5 c,2 1n 5,5 6,2 6 l,2 o,6 7 1n 3 2,4 c 8,2 d,2 w 1q d " +
  "1f 4 1k 2,3 8,3 4,4 b,2 d,2 v 1n 3 7 6,2 m,2 u,2 1n,2 6,4 c l,2 v 21 8,3 4 2j 3,7 i,9 2z 3,9 " +
  "i 2,6 28,2 t 2 2 1k,e f,5 6,2 7,b c,10 19 2v,4 5,6 7,2 4,2 r,2 6,3 j,4 h 3,2 8 g 2n gx,3 " +
  "qd,3 w,2 w,2 w,2 1u,2 3,7 f 3,b e 6 1a,5 1k 1u,2 10 3b,3 7,2 b 7,3 66,2 4 1n 2,7 8 2 3,8 e,a " +
  "c 14 9,v 28,4 1g 2,5 6 6 15,9 l,2 y,4 6,2 3,3 1n 2,2 5 2,3 1p,8 a,2 1u,6 2g,3 4,d e,7 b 7 " +
  "4,2 1g,1r 24 z,2t f6 2,3 e,3 g,3 g,3 g,2 e,5 d,2 c 3 3,5 1i,5 6,a b e h,d 1s,x 2b0,2 37,3 3k " +
  "g 2p,w 27 d2 11,4 7,5 a 2m,6 2r,3 ly1 yr,6 7o 2r,4 5,a b t,4 2c,2 g,y 34 o,3 2y,3 6,2 a 4 5 " +
  "q,2 7 48,2 s,i v 13,8 x,b 1l,3 1f 3,4 6,2 j m,2 1w,6 8,2 4,2 e 9 10 c 1g 2,3 5,2 7,2 3 s f,2 " +
  "7,2 3 2t,5 e,3 3g 3 5 fn5 44,h ge,g j d,g 1e 3 4q 8 7 c 10 2 1c 1a,2 1x m,3 ec 6b 46,5 sq,6 " +
  "7,16 17,9 gf,3 4,2 7,4 18,3 7 4m,2 fz,4 av,2 4b,b 1o,4 3j 1j,f 1k 3,2 c,3 1g,4 6,2 4 5 b " +
  "1f,3 13,5 6,8 1y d,2 1i,9 j,4 6 2o,3 5 2,2 8 4h 4,8 t,2 1n,2 5 12,7 a,5 5k,8 a,3 4 o 2d,6 7 " +
  "5,2 3,2 6o,4 a,2 3,2 t,2 2f,8 a 2,2 30 2 3,6 7 2u,3 5,4 5,5 7c,9 a,2 76,2 3 5 41,4 6,2 6 x,a " +
  "1e,6 8,4 c a,6 8,3 1d,d e,2 bc,7 8,6 7 2b,m o,7 8,2 3,2 3g,6 9 2,2 3,7 8 21,2 5 2 9o,2 471,9 " +
  "atc,5 1s,7 g,4 sv 1s,h 29,2 3,2 cnh,4 5,7 8,2 2hs,2 3,4 3mo,1a 1c,n fr,3 c,g i,7 11,4 48,3 " +
  "1j2,1j 1n,1e 1m f n,5 6,f 127,7 8,h j,7 8,2 3,5 7e,e am 1q,4 15w,7 38,8 247,5 gx6u v,2o " +
  "68,6o";

const WHITE_SPACE = new Set([
  0x9, 0xa, 0xb, 0xc, 0xd, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002,
  0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f,
  0x3000,
]);

const SPACE = 0x20;
const SIGMA = 0x3a3;
const SMALL_SIGMA = 0x3c3;
const FINAL_SIGMA = 0x3c2;
const DOTTED_I = 0x130;

const number = (text) => parseInt(text, 36);

const lowerCase = (() => {
  const found = new Map();
  let start = 0;
  for (const run of LOWER.split(" ")) {
    const [distance, length, step, difference] = run.split(",").map(number);
    start += distance;
    for (let i = 0; i < length; i++) found.set(start + i * step, start + i * step + difference);
  }
  return found;
})();

function membership(table) {
  const starts = [];
  const ends = [];
  let start = 0;
  for (const range of table.split(" ")) {
    const [distance, length = 1] = range.split(",").map(number);
    start += distance;
    starts.push(start);
    ends.push(start + length);
  }
  return (character) => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= character) low = middle + 1;
      else high = middle;
    }
    return low > 0 && character < ends[low - 1];
  };
}

const isCased = membership(CASED);
const isIgnorable = membership(IGNORABLE);

// Whether the next letter in a direction, past marks and the like, has a case.
function isBesideCased(characters, i, step) {
  do i += step;
  while (i >= 0 && i < characters.length && isIgnorable(characters[i]));
  return i >= 0 && i < characters.length && isCased(characters[i]);
}

function lower(characters) {
  const result = [];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i];
    if (character < 0x80) {
      result.push(character >= 0x41 && character <= 0x5a ? character + 32 : character);
    } else if (character === SIGMA) {
      const isFinal = isBesideCased(characters, i, -1) && !isBesideCased(characters, i, 1);
      result.push(isFinal ? FINAL_SIGMA : SMALL_SIGMA);
    } else if (character === DOTTED_I) {
      result.push(0x69, 0x307);
    } else {
      result.push(lowerCase.get(character) ?? character);
    }
  }
  return result;
}

function words(characters) {
  const found = [];
  let word = [];
  for (const character of [...characters, SPACE]) {
    if (!WHITE_SPACE.has(character)) {
      word.push(character);
    } else if (word.length) {
      found.push([SPACE, ...word, SPACE]);
      word = [];
    }
  }
  return found;
}

function murmurHash3(bytes, start, end) {
  const rotate = (x, n) => (x << n) | (x >>> (32 - n));
  const mix = (k) => Math.imul(rotate(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593);
  let h = 0;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    h ^= mix(bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
    h = (Math.imul(rotate(h, 13), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let j = end - 1; j >= i; j--) rest = (rest << 8) | bytes[j];
  h ^= mix(rest);
  h ^= end - start;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * Return the row of a text: the inputs `indices` and `values` of an encoder, for a batch of one.
 *
 * @param {string} text
 * @returns {{indices: BigInt64Array, values: Float32Array}} Columns in ascending order, and their
 *   values. A text without words has one column 0 of value 0, because an encoder needs one column.
 * @throws {RangeError} If the text has a half of a surrogate pair, which is not valid Unicode.
 */
export function hashedNgrams(text) {
  const characters = Array.from(String(text), (each) => each.codePointAt(0));
  if (characters.some((each) => each >= 0xd800 && each < 0xe000)) {
    throw new RangeError("the text is not valid Unicode: it has a half of a surrogate pair");
  }
  const sums = new Map();
  const encoder = new TextEncoder();
  for (const word of words(lower(characters))) {
    const bytes = encoder.encode(word.map((each) => String.fromCodePoint(each)).join(""));
    const starts = []; // of the characters, in bytes
    for (let i = 0; i < bytes.length; i++) if ((bytes[i] & 0xc0) !== 0x80) starts.push(i);
    starts.push(bytes.length);
    for (let n = SHORTEST; n <= LONGEST; n++) {
      for (let i = 0; i + n <= word.length; i++) {
        const hash = murmurHash3(bytes, starts[i], starts[i + n]);
        const column = Math.abs(hash) % N_COLUMNS;
        sums.set(column, (sums.get(column) ?? 0) + (hash >= 0 ? 1 : -1));
      }
    }
  }
  if (!sums.size) sums.set(0, 0);
  const columns = [...sums.keys()].sort((a, b) => a - b);
  let squares = 0;
  for (const sum of sums.values()) squares += sum * sum;
  const norm = Math.sqrt(squares) || 1;
  return {
    indices: BigInt64Array.from(columns, BigInt),
    values: Float32Array.from(columns, (column) => sums.get(column) / norm),
  };
}

/**
 * Return the rows of several texts, padded with column 0 of value 0 to the length of the longest.
 *
 * @param {string[]} texts
 * @returns {{indices: BigInt64Array, values: Float32Array, dims: [number, number]}} Rows one after
 *   the other, and the shape of both tensors.
 */
export function hashedNgramsOf(texts) {
  const rows = texts.map(hashedNgrams);
  const length = rows.reduce((longest, row) => Math.max(longest, row.values.length), 1);
  const indices = new BigInt64Array(rows.length * length);
  const values = new Float32Array(rows.length * length);
  rows.forEach((row, i) => {
    indices.set(row.indices, i * length);
    values.set(row.values, i * length);
  });
  return { indices, values, dims: [rows.length, length] };
}
