/** Reads one creator's cells as the program's own reader does: each cell by itself. */
const BLANK = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const D = "[0-9]";
const whole = (pattern, flags = "u") => new RegExp(`^(?:${pattern})$`, flags);
const AROUND = new RegExp(`^[${BLANK}]+|[${BLANK}]+$`, "gu");
const BETWEEN = new RegExp(`[${BLANK}]+`, "gu");
const SEPARATORS = new RegExp(`['\u2019${BLANK}]`, "gu");
const MINUS = /[-\u2212]/u;

const NUMBER = whole(
  `([+\\-\u2212]?)[${BLANK}]*(${D}(?:[0-9.,'\u2019${BLANK}]*${D})?\\.?|\\.${D}+)` +
    `[${BLANK}]*(?:([kmb]|mn|bn)|(%))?`,
  "iu",
);
const EXPONENT = whole(`([+\\-]?(?:${D}*[.,]?${D}+|${D}+[.,]))(e[+\\-]?${D}{1,3})`, "iu");
const ENDLESS = /^([+-]?)(inf|infinity)$/iu;
const WITH_POINT = whole(
  `${D}+\\.?${D}*|\\.${D}+|[1-9]${D}{0,2}(,${D}{3})+(\\.${D}+)?` +
    `|${D}{1,3}(['\u2019${BLANK}]${D}{3})+(\\.${D}+)?|[1-9]${D}?(,${D}{2})+,${D}{3}(\\.${D}+)?`,
);
const WITH_COMMA = whole(
  `${D}+(,${D}+)?|[1-9]${D}{0,2}(\\.${D}{3})+(,${D}+)?` +
    `|${D}{1,3}(['\u2019${BLANK}]${D}{3})+(,${D}+)?`,
);
const ONE_COMMA = whole(`[1-9]${D}{0,2},${D}{3}`);
const LONE_COMMA = whole(`${D}+,${D}+`);
const LONE_POINT = whole(`${D}+\\.${D}+`);
const THOUSANDS = whole(`[1-9]${D}{0,2}[.,]${D}{3}`);
const AMOUNT = whole(`([^0-9]*)(${D}(?:[0-9.,'\u2019${BLANK}]*${D})?)([^0-9]*)`, "su");
const RANGE = new RegExp(
  `[${BLANK}]*[\\-\u2010-\u2015\u2212~\u301c][${BLANK}]*|[${BLANK}]+(?:to|bis|do|\u0434\u043e)[${BLANK}]+`,
  "u",
);
const ACCOUNTED = whole(
  `\\([${BLANK}]*([^\\-+\u2212()]*${D}[^\\-+\u2212()]*)\\)|([0-9.,'\u2019${BLANK}]*${D}%?)-`,
);
const POINT_ZERO = whole("([+-]?\\p{Nd}+)\\.0+");
const QUALITIES = ["SD", "HD", "4K"];
const LONGEST = 40;
const LONGEST_WORD = 24;

const length = (text) => [...text].length;
const strip = (text) => text.replace(AROUND, "");

/** Text without case: what Python's casefold gives, for all letters but a few of old scripts. */
const casefold = (text) =>
  [...text].map((c) => (c === "\u0131" ? c : c.toUpperCase().toLowerCase())).join("");

/** A word without what does not tell levels apart: case, blanks, width of letters. */
function folded(word) {
  const key = strip(casefold(word.normalize("NFKC")).replace(BETWEEN, " "));
  const match = POINT_ZERO.exec(key);
  return match ? match[1] : key;
}

/** The digits of any script as those of ASCII. */
function asciiDigits(text) {
  return text.replace(/[^\0-\x7f]/gu, (c) => {
    if (!/\p{Nd}/u.test(c)) return c;
    let code = c.codePointAt(0);
    if (code >= 0x1d7ce && code <= 0x1d7ff) return String((code - 0x1d7ce) % 10);
    let value = 0;
    while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - 1))) {
      code -= 1;
      value += 1;
    }
    return String(value);
  });
}

/** What digits with separators are worth, times a size; rounded once, from their decimal text. */
function worth(digits, decimal, power, factor = 1) {
  const plain = digits.replace(SEPARATORS, "")
    .replaceAll(decimal === "." ? "," : ".", "")
    .replace(",", ".");
  if (factor === 1) return Number(`${plain}e${power}`);
  const places = (plain.split(".")[1] || "").length;
  return Number(`${BigInt(plain.replace(".", "")) * BigInt(factor)}e${-places}`);
}

/** Whether the point, and whether the comma, can be the decimal sign. */
function readings(digits, kind, suffixed) {
  const point = WITH_POINT.test(digits);
  const comma = WITH_COMMA.test(digits);
  if (point && comma) {
    if (kind === "rate" && LONE_COMMA.test(digits)) return [false, true];
    if (LONE_POINT.test(digits) && (kind === "rate" || suffixed)) return [true, false];
    if (kind === "count" && ONE_COMMA.test(digits) && !suffixed) return [true, false];
  }
  return [point, comma];
}

const NOTHING = {
  point: NaN, comma: NaN, percent: false, currency: "", rival: NaN, counted: "", ends: null,
};
const isReadable = (p) => p.ends !== null || !(Number.isNaN(p.point) && Number.isNaN(p.comma));

/** The only decimal sign a number can be written with; null if either gives the same. */
function signOf(p) {
  if (Number.isNaN(p.point) === Number.isNaN(p.comma)) return null;
  return Number.isNaN(p.point) ? "," : ".";
}

/** A parsed number's value; NaN where the decimal sign would have to tell. */
function valueOf(p, decimal) {
  if (!Number.isNaN(p.rival) && (decimal || signOf(p)) !== ",") return NaN;
  if (Number.isNaN(p.point)) return p.comma;
  if (Number.isNaN(p.comma) || p.point === p.comma) return p.point;
  return decimal === "." ? p.point : decimal === "," ? p.comma : NaN;
}

/** What a cell such as 145,000, 1.2M, 6.8% or 2.28E+11 is worth under either decimal sign. */
function parseNumber(word, kind, words) {
  const plain = strip(plainLetters(word));
  const match = length(plain) <= LONGEST ? NUMBER.exec(plain) : null;
  if (!match) return parseRest(plain, kind, words);
  const [, sign, digits, suffix, percent] = match;
  if (percent && kind === "count") return NOTHING;
  const end = percent ? "%" : (suffix || "").toLowerCase().replace("\u212a", "k");
  const power = words.powers.get(end);
  const by = MINUS.test(sign) ? -1 : 1;
  const [point, comma] = readings(digits, kind, Boolean(suffix));
  return {
    ...NOTHING,
    point: point ? by * worth(digits, ".", power) : NaN,
    comma: comma ? by * worth(digits, ",", power) : NaN,
    percent: Boolean(percent),
  };
}

function parseRest(word, kind, words) {
  const exponent = length(word) <= LONGEST ? EXPONENT.exec(word) : null;
  if (exponent) {
    const number = Number(exponent[1].replace(",", ".") + exponent[2]);
    const comma = exponent[1].includes(",");
    return { ...NOTHING, point: comma ? NaN : number, comma: comma ? number : NaN };
  }
  const endless = ENDLESS.exec(word);
  if (endless) {
    const value = endless[1] === "-" ? -Infinity : Infinity;
    return { ...NOTHING, point: value, comma: value };
  }
  return /[0-9]/u.test(word) ? parseAmount(word, kind, words) : NOTHING;
}

/** Digits of all scripts, full-width and Arabic signs as the ASCII that they stand for. */
function plainLetters(word) {
  const signs = {
    "\u2212": "-", "\u066a": "%", "\u066b": ".", "\u066c": "'", "\u200e": "", "\u200f": "", "\u061c": "", "\ufe0f": "",
  };
  for (const up of "\u25b2\u25b4\u25b3\u2191\u2b06\u2197\u{1f53a}\u2248") signs[up] = "+";
  for (const unseen of "\u200b\u200c\u200d\u2060\ufeff") signs[unseen] = "";
  for (const down of "\u25bc\u25be\u25bd\u2193\u2b07\u2198\u{1f53b}") signs[down] = "-";
  return [...asciiDigits(word)]
    .map((c) => {
      const code = c.codePointAt(0);
      if (code >= 0xff01 && code < 0xff01 + 94) return String.fromCodePoint(code - 0xfee0);
      return c in signs ? signs[c] : c;
    })
    .join("");
}

const keyOf = (word) => strip(casefold(word.normalize("NFC")).replace(BETWEEN, " "));

/** The ISO 4217 codes that a sign or code may stand for. */
function currencyCodes(word, words) {
  if (length(word) > LONGEST_WORD) return [];
  return words.currencies.get(word) ?? words.currencies.get(keyOf(word)) ?? [];
}

const sameCurrency = (one, other, words) =>
  currencyCodes(one, words).some((code) => currencyCodes(other, words).includes(code));

function sizeOf(name, words) {
  const power = words.powers.get(casefold(name));
  if (power > 0) return 10 ** power;
  if (length(name) > LONGEST_WORD) return undefined;
  const key = keyOf(name);
  return words.sizes.get(key) ?? words.sizes.get(`${key}.`);
}

/** Size, its word and currency of what follows the digits. */
function splitTail(tail, words) {
  if (currencyCodes(tail, words).length) return [1, "", tail];
  const letters = [...tail];
  for (let at = letters.length; at >= 0; at -= 1) {
    const name = strip(letters.slice(0, at).join(""));
    const currency = strip(letters.slice(at).join(""));
    const size = name ? sizeOf(name, words) : 1;
    if (size && (!currency || currencyCodes(currency, words).length)) return [size, name, currency];
  }
  return null;
}

function splitAmount(word, words) {
  const match = AMOUNT.exec(word);
  if (!match) return null;
  let digits = match[2];
  const signs = (match[1].match(/[+\-\u2212]/gu) || []).length;
  let before = strip(match[1].replace(/[+\-\u2212]/gu, ""));
  const after = strip(match[3]);
  if (strip(match[1]).endsWith(".") && !currencyCodes(before, words).length) {
    before = strip(before.slice(0, -1));
    digits = `.${digits}`;
  }
  if (signs > 1 || (before && !currencyCodes(before, words).length)) return null;
  const tail = splitTail(after.replace(/\+$/u, "").replace(new RegExp(`[${BLANK}]+$`, "u"), ""), words);
  if (!tail || (before && tail[2] && !sameCurrency(before, tail[2], words))) return null;
  const [size, name, behind] = tail;
  const marks = [behind, before].filter(Boolean);
  marks.sort((a, b) => currencyCodes(a, words).length - currencyCodes(b, words).length);
  return { negative: MINUS.test(match[1]), digits, size, word: name, currency: marks[0] || "" };
}

/** A number below zero, or one behind its percent sign, as it is usually written. */
function respelled(word, kind) {
  if (whole(`%${D}.*`, "su").test(word)) return `${word.slice(1)}%`;
  const below = kind === "count" ? null : ACCOUNTED.exec(word);
  return below && `-${strip(below[1] || below[2])}`;
}

function parseAmount(word, kind, words) {
  if (length(word) > LONGEST) return NOTHING;
  const amount = splitAmount(word, words);
  const usual = amount ? null : respelled(word, kind);
  if (usual) return parseNumber(usual, kind, words);
  if (!amount) {
    const ends = word.split(RANGE);
    const both =
      ends.length === 2 && ends.every((end) => end && isPlain(end, kind, words));
    return both ? { ...NOTHING, ends } : parseQualified(word, kind, words);
  }
  if (amount.currency && kind !== "any") return NOTHING;
  const by = amount.negative ? -1 : 1;
  const [point, comma] = amountReadings(amount, kind, words);
  const parsed = {
    ...NOTHING,
    point: point ? by * worth(amount.digits, ".", 0, amount.size) : NaN,
    comma: comma ? by * worth(amount.digits, ",", 0, amount.size) : NaN,
    currency: amount.currency,
  };
  if (casefold(amount.word) !== "mil") return parsed;
  return { ...parsed, rival: 1000 * (Number.isNaN(parsed.point) ? parsed.comma : parsed.point) };
}

/** The patterns of figures with a word beside them: for what they count, for a unit, or a qualifier. */
function wordedPatterns({ counted, rates, qualifiers }) {
  const gap = `[${BLANK}]*`;
  const oneOf = (some) => some.map((word) => word.replace(/[.]/gu, "\\.")).join("|");
  const [counts, units] = [counted, rates].map((some) => oneOf(Object.keys(some)));
  const some = (words, pattern) => oneOf(words.filter((word) => pattern.test(word)));
  const [signs, words] = [/\P{L}$/u, /\p{L}$/u].map((end) => some(qualifiers.before, end));
  const [joined, parted] = [/^[^a-z]/u, /^[a-z]/u].map((end) => some(qualifiers.behind, end));
  return {
    qualified: whole(
      `(${signs}|(?:${words})(?=[0-9${BLANK}]))${gap}(.*[0-9].*)` +
        `|(.*[0-9].*?)(?:[(${BLANK}]*(${joined})|[(${BLANK}]+(${parted}))\\)?`,
      "isu",
    ),
    count: whole(`(${counts})${gap}[:\uff1a]${gap}(.*[0-9].*)|(.*?[0-9].*?)${gap}(${counts})`, "iu"),
    rate: whole(`(.*?[0-9].*?)${gap}(${units})\\.?`, "iu"),
  };
}

/** A rough figure such as ca. 4.2K, or a bound such as <1%, which is none. */
function parseQualified(word, kind, words) {
  const match = words.worded.qualified.exec(word.normalize("NFC"));
  if (!match) return parseWorded(word, kind, words);
  const [, before, first, second, joined, parted] = match;
  const figure = strip(first || second);
  if (!isPlain(figure, kind, words)) return NOTHING;
  const isBound = words.bounds.has(casefold(before || joined || parted));
  return isBound ? { ...NOTHING, ends: ["", figure] } : parseNumber(figure, kind, words);
}

/** Whether a word is a number or range, and neither a rough one nor a bound. */
function isPlain(word, kind, words) {
  const isQualified = words.worded.qualified.test(word.normalize("NFC"));
  return !isQualified && isReadable(parseNumber(word, kind, words));
}

/** A count with a word for what it counts, or a rate with one for its unit. */
function parseWorded(word, kind, words) {
  if (kind === "any") return NOTHING;
  const match = words.worded[kind].exec(word.normalize("NFC"));
  if (!match) return NOTHING;
  const [, first, second, third, last] = match;
  const isCount = kind === "count";
  const parsed = parseNumber(isCount ? second || third : first, kind, words);
  const name = casefold(isCount ? first || last : second);
  const meaning = (isCount ? words.counted : words.rates).get(name);
  if (!isReadable(parsed) || parsed.ends || parsed.percent || !meaning) return NOTHING;
  if (isCount) return { ...parsed, counted: meaning };
  const by = (value) => (Number.isFinite(value) ? timesPower(value, meaning) : value);
  return { ...parsed, point: by(parsed.point), comma: by(parsed.comma), percent: true };
}

/** A number times a power of ten, rounded once. */
function timesPower(value, power) {
  const [mantissa, own] = String(value).split("e");
  return Number(`${mantissa}e${Number(own || 0) + power}`);
}

/** As readings; three digits behind the only sign of most prices are thousands. */
function amountReadings(amount, kind, words) {
  const { digits } = amount;
  const [point, comma] = readings(digits, kind, amount.size !== 1);
  const codes = currencyCodes(amount.currency, words);
  const three = words.threeDecimals.some((code) => codes.includes(code));
  if (amount.currency && amount.size === 1 && !three && THOUSANDS.test(digits) && point && comma) {
    return [digits.includes(","), digits.includes(".")];
  }
  return [point, comma];
}

/** A number as Python's format with `digits` significant ones and g. */
function general(value, digits) {
  if (!Number.isFinite(value)) return value > 0 ? "inf" : value < 0 ? "-inf" : "nan";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  const bare = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent < -4 || exponent >= digits) {
    const places = String(Math.abs(exponent)).padStart(2, "0");
    return `${bare(mantissa)}e${exponent < 0 ? "-" : "+"}${places}`;
  }
  return bare(value.toFixed(Math.max(digits - 1 - exponent, 0)));
}

/** A cell's number, without one of the words that stand behind the figures of its column. */
function parseCell(input, word, words) {
  const parsed = parseNumber(word, input.kind, words);
  if (isReadable(parsed) || !input.units.length) return parsed;
  const text = strip(word.normalize("NFC").replace(BETWEEN, " "));
  const endings = input.units.filter((unit) => casefold(text).endsWith(unit));
  const longest = Math.max(0, ...endings.map((unit) => unit.length));
  return longest ? parseNumber(strip(text.slice(0, -longest)), input.kind, words) : parsed;
}

/** Why a cell that may be one number or another cannot be read. */
function unclearReason(input, word, words) {
  const parsed = parseCell(input, word, words);
  const shown = `${input.column} '${[...word].slice(0, 40).join("")}'`;
  if (parsed.ends) {
    return `${shown} is a ${parsed.ends.every(Boolean) ? "range" : "bound"}: write one number`;
  }
  if (parsed.counted && parsed.counted !== input.counts) {
    const what = input.counts || "what the column holds";
    const reason = `${shown} counts ${parsed.counted}, not ${what}`;
    return `${reason}: write ${what}, or name the column that holds them`;
  }
  const { currency } = input;
  if (parsed.currency && currency && !sameCurrency(parsed.currency, currency, words)) {
    return `${shown} is not in ${currency} like its column: write it in ${currency}`;
  }
  const known = [parsed.rival, parsed.point, parsed.comma].filter((v) => !Number.isNaN(v));
  const large = Math.max(...known);
  const small = Math.min(...known);
  const point = Number.isNaN(parsed.rival) ? ".0" : "";
  const decimal = small % 1 ? "" : ` or ${general(small, 12)}${point}`;
  const most = general(large, 12);
  return `${shown} may be ${most} or ${general(small, 12)}: write ${most}${decimal}`;
}

/** A cell of a column of numbers: its value, NaN where missing, and why it is unclear. */
function readNumber(input, cell, model) {
  let value = NaN;
  let percent = false;
  let unclear = "";
  if (typeof cell === "number") value = cell;
  else if (cell !== null && cell !== undefined) {
    const word = strip(String(cell));
    if (!model.nothing.has(casefold(word))) {
      const parsed = parseCell(input, word, model.words);
      value = valueOf(parsed, input.decimal);
      const foreign =
        parsed.currency &&
        input.currency &&
        !sameCurrency(parsed.currency, input.currency, model.words);
      if (foreign || (parsed.counted && parsed.counted !== input.counts)) value = NaN;
      percent = parsed.percent;
      if (Number.isNaN(value) && isReadable(parsed)) unclear = unclearReason(input, word, model.words);
    }
  }
  if (input.unit === "percent" && !percent) value = rint((value / 100) * 1e14) / 1e14;
  if (input.missing.includes(value)) value = NaN;
  return { value, unclear };
}

/** The nearest whole number, halves to the even one. */
function rint(x) {
  if (!(Math.abs(x) < 2 ** 52)) return x;
  const by = x < 0 ? -(2 ** 52) : 2 ** 52;
  return x + by - by;
}

/** A cell of a column of levels, spelled as the model spells it; null where missing. */
function readLevel(input, cell, model) {
  if (cell === null || cell === undefined || Number.isNaN(cell)) return null;
  const word = strip(typeof cell === "boolean" ? (cell ? "True" : "False") : String(cell));
  if (model.nothing.has(casefold(word))) return null;
  return input.spelling.get(folded(word)) ?? word;
}

/** A column's cell, by its name or its header; undefined where the record has neither. */
function cellOf(record, { column, header }) {
  if (Object.hasOwn(record, column)) return record[column];
  return Object.hasOwn(record, header) ? record[header] : undefined;
}

/** The columns of a record as they are read, and why it is not scored: empty text where it is. */
function readRow(record, model) {
  const row = Object.create(null);
  const unclear = [];
  const impossible = [];
  for (const input of model.inputs) {
    const cell = cellOf(record, input);
    if (input.spelling) {
      row[input.column] = readLevel(input, cell, model);
      continue;
    }
    const read = readNumber(input, cell, model);
    row[input.column] = read.value;
    if (read.unclear) unclear.push(read.unclear);
    if (read.value < input.low || read.value > input.high) {
      impossible.push(`${input.column} cannot be ${general(read.value, 6)}`);
    }
  }
  const empty = model.inputs.filter((input) => isMissing(row[input.column])).length;
  const n = model.inputs.length;
  const refusal =
    unclear.join("; ") ||
    impossible.join("; ") ||
    (empty > n / 2 ? `${empty} of ${n} columns of the model are empty` : "");
  return { row, refusal };
}

const isMissing = (value) => value === null || Number.isNaN(value);

/** A column's number; levels SD, HD and 4K are 0, 1 and 2. */
function numberOf(row, column, ordered) {
  if (ordered) return QUALITIES.includes(row[column]) ? QUALITIES.indexOf(row[column]) : NaN;
  return Number.isFinite(row[column]) ? row[column] : NaN;
}

const clip = (x, limit) => Math.min(Math.max(x, -limit), limit);

/** log(unit + x), of at least x = 0. */
const logFrom = (x, unit) => Math.log(Math.max(x, 0) + unit);

const arcsinh = (x) => Math.sign(x) * Math.asinh(Math.abs(x));

function scaled(x, code) {
  if (code.scale === "linear") return x;
  if (code.scale === "log") return Math.log(Math.max(x, 0) * (1 / code.unit) + 1);
  return arcsinh(x / code.unit);
}

/** What is usual at a size: a line from knot to knot, level beyond the outer ones. */
function interpolated(x, knots, heights) {
  const last = knots.length - 1;
  if (Number.isNaN(x)) return NaN;
  if (x >= knots[last]) return heights[last];
  if (x < knots[0]) return heights[0];
  let at = 0;
  while (x >= knots[at + 1]) at += 1;
  const slope = (heights[at + 1] - heights[at]) / (knots[at + 1] - knots[at]);
  return slope * (x - knots[at]) + heights[at];
}

const ENCODERS = {
  NumberCode(code, row, limit) {
    const number = numberOf(row, code.column, code.ordered);
    const missing = Number.isNaN(number);
    const normal = ((missing ? code.fill : scaled(number, code)) - code.mean) * (1 / code.sd);
    return [clip(normal, limit), ...(code.indicator ? [missing ? 1 : 0] : [])];
  },
  LevelCode(code, row) {
    const level = row[code.column];
    const place = code.levels.indexOf(level);
    const known = code.levels.map((_, at) => (at === place ? 1 : 0));
    const other = level !== null && place < 0 ? 1 : 0;
    return [
      ...known,
      ...(code.rare ? [other] : []),
      ...(code.missing ? [level === null ? 1 : 0] : []),
    ];
  },
  RelativeCode(code, row, limit) {
    const value = logFrom(numberOf(row, code.column), code.unit) / code.sd;
    const size = logFrom(numberOf(row, "Followers"), 1);
    let total = value + interpolated(size, code.knots, code.usual.map((u) => u / -code.sd));
    if (code.levels.length) total += (code.shifts[code.levels.indexOf(row.Niche)] ?? 0) / -code.sd;
    return [clip(Number.isFinite(total) ? total : 0, limit)];
  },
};

const encode = (model, row, limit) =>
  model.codes.flatMap((code) => ENCODERS[code.code](code, row, limit));

const same = (x) => x;

/** x / (1 + exp(-x)) to single precision, by a quotient of polynomials in x * x. */
function silu(value) {
  const f = Math.fround;
  const x = f(value);
  const near = clip(x, 18);
  const square = f(near * near);
  const above = [3.78734197e-8, 4.32967747e-5, 0.0079670841, 0.249997356].map(f);
  const below = [7.58908856e-10, 3.35199936e-6, 0.00144061994, 0.115196132, 1].map(f);
  const polynomial = (c) =>
    f(c.slice(1, -1).reduce((t, k) => f(f(t + k) * square), f(square * c[0])) + c.at(-1));
  return f(f(f(f(near * polynomial(above)) / polynomial(below)) + 0.5) * x);
}

/** x (1/2 + c - c |c| / 2) for c = x in [-1, 1], in single (f = fround) or double precision. */
function parabolic(x, f) {
  const near = clip(x, 1);
  const gate = f(f(f(1 - f(Math.abs(near) * 0.5)) * near) + 0.5);
  return f(gate * x);
}

const ACTIVATIONS = { relu: (x) => Math.max(x, 0), silu, parabolic };

/** The log-odds that each kind of model gives for encoded figures X. */
const MODELS = {
  /** Inputs and kernels are whole multiples of powers of two: sums are exact in any order. */
  layers(part, X) {
    const precision = (at) => (part.single[at] ? Math.fround : same);
    const rounded = (x, at) => {
      const f = precision(at);
      return f(f(f(x) + part.shifts[at]) - part.shifts[at]);
    };
    let hidden = X.map((x) => rounded(x, 0));
    const last = part.kernels.length - 1;
    for (let at = 0; at <= last; at += 1) {
      const { step, rows } = part.kernels[at];
      const f = precision(at);
      const units = part.biases[at].map((bias, unit) => {
        let total = 0;
        for (let i = 0; i < hidden.length; i += 1) total += hidden[i] * rows[i][unit] * step;
        return f(total + f(bias));
      });
      if (at === last) return units[0];
      hidden = units.map((x) => rounded(ACTIVATIONS[part.activation](x, f), at + 1));
    }
    return NaN;
  },
  curves(part, X) {
    let total = MODELS.layers(part.linear, X);
    part.columns.forEach((column, curve) => {
      const breaks = part.breaks[curve];
      let x = Math.max(X[column], breaks[0]);
      let place = breaks.length - 1;
      while (x < breaks[place]) place -= 1;
      x -= breaks[place];
      const [a, b, c, d] = part.pieces[curve][place];
      total += ((a * x + b) * x + c) * x + d;
    });
    return total;
  },
  /** Leaves are whole multiples of a power of two. */
  trees(part, X) {
    const { columns, borders, questions, depth, leaves } = part;
    const answers = columns.map((column, at) => (Math.fround(X[column]) > borders[at] ? 1 : 0));
    let total = 0;
    for (let tree = 0; tree * depth < questions.length; tree += 1) {
      let leaf = 0;
      for (let level = 0; level < depth; level += 1) {
        leaf = 2 * leaf + answers[questions[tree * depth + level]];
      }
      total += leaves[tree * 2 ** depth + leaf];
    }
    return total * part.step + part.intercept;
  },
  sum(part, X) {
    return part.members.reduce(
      (total, member, at) => total + part.coef[at] * MODELS[member.kind](member, X),
      part.intercept,
    );
  },
};

const sigmoid = (z) => {
  const odds = Math.exp(clip(z, 700));
  return odds / (1 + odds);
};

/** The ends of the 90% interval for the true probability. */
function endsOf(model, logit, row, probability) {
  const { below, above, rise, tail, empties, fall, empty_rise: emptyRise } = model.interval;
  const { farDown, high, atMost } = model.interval;
  if (!below) return [probability, probability];
  let unknown = 0;
  for (const [column, reach] of Object.entries(empties)) {
    if (isMissing(row[column] ?? null)) unknown += reach ** 2;
  }
  const over = Math.max(logit, 0);
  const farther = rise * over + tail * Math.max(farDown - logit, 0);
  const nearer = below - fall * Math.min(Math.max(logit / high, 0), 1);
  const down = Math.exp(Math.sqrt(nearer ** 2 + unknown));
  const stretched = unknown * (1 + emptyRise * over) ** 2;
  const up = Math.exp(-Math.sqrt((above + farther) ** 2 + stretched));
  const end = (change) => probability / (probability + (1 - probability) * change);
  return [probability < atMost ? 0 : end(down), end(up)];
}

/** How odd figures are under one Gaussian, in single precision. */
function oddness(mixture, component, figures) {
  const f = Math.fround;
  const mean = mixture.means[component];
  const factor = mixture.factors[component];
  const centred = figures.map((x, j) => f(x - f(mean[j])));
  let total = f(2 * mixture.offsets[component]);
  for (let j = 0; j < mean.length; j += 1) {
    let part = f(centred[0] * f(factor[0][j]));
    for (let i = 1; i <= j; i += 1) part = f(part + f(centred[i] * f(factor[i][j])));
    total = f(total + f(part * part));
  }
  return f(total * 0.5);
}

/** What lines leave of the judged figures, in single precision. */
function left(precedent, figures) {
  const f = Math.fround;
  return precedent.judged.map((place, number) => {
    const [start, ...slopes] = precedent.lines[number].map(f);
    return slopes.reduce((rest, slope, i) => (slope ? f(rest - f(slope * figures[i])) : rest),
      f(figures[place] - start));
  });
}

/** What has no precedent: 0 nothing, 1 the figures together, from 2 on a figure, then a level. */
function unlikeOf(model, row, X) {
  const { precedent } = model;
  if (!precedent) return 0;
  const { judged, columns, mixture } = precedent;
  const figures = precedent.places.map((place) => Math.fround(X[place]));
  let kind = 0;
  if (judged.some((at) => isMissing(row[columns[at]]))) {
    judged.forEach((at, number) => {
      const [low, high] = precedent.spans[columns[at]] ?? [Infinity, -Infinity];
      const value = row[columns[at]];
      const alone = figures[at] < precedent.alone_low[number]
        || figures[at] > precedent.alone_high[number];
      if (alone || value < low || value > high) kind = 2 + number;
    });
  } else if (judged.length) {
    const own = judged.map((at) => figures[at]);
    const cut = Math.fround(precedent.cut);
    if (mixture.offsets.every((_, component) => oddness(mixture, component, own) > cut)) kind = 1;
    const rest = left(precedent, figures);
    const far = rest.map((x, at) => Math.max(x / precedent.high[at], x / precedent.low[at]));
    if (rest.some((x, at) => x > precedent.high[at] || x < precedent.low[at])) {
      kind = 2 + far.indexOf(Math.max(...far));
    }
  }
  Object.entries(precedent.levels).forEach(([column, known], at) => {
    const level = row[column];
    if (level !== null && !known.includes(level)) kind = 2 + judged.length + at;
  });
  return kind;
}

/** Prepare a model's data for scoring. */
function prepare(plain) {
  const tables = (part) => {
    if (part.kind === "sum") return { ...part, members: part.members.map(tables) };
    if (part.kind !== "trees") return part;
    const buffer = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
    const borders = new Float32Array(buffer(part.borders));
    return { ...part, borders, leaves: new Int32Array(buffer(part.leaves)) };
  };
  return {
    ...plain,
    model: tables(plain.model),
    words: {
      powers: new Map(Object.entries(plain.words.powers)),
      sizes: new Map(Object.entries(plain.words.sizes)),
      currencies: new Map(Object.entries(plain.words.currencies)),
      threeDecimals: plain.words.threeDecimals,
      counted: new Map(Object.entries(plain.words.counted)),
      rates: new Map(Object.entries(plain.words.rates)),
      bounds: new Set(plain.words.qualifiers.bounds),
      worded: wordedPatterns(plain.words),
    },
    nothing: new Set(plain.nothing),
    inputs: plain.inputs.map((input) => ({
      ...input,
      low: input.low ?? -Infinity,
      high: input.high ?? Infinity,
      spelling: input.spelling && new Map(input.spelling),
    })),
  };
}

/** The score of a creator who is read: uncut figures, and a recommendation in words. */
function scoreRow(model, row) {
  const X = encode(model, row, model.reach);
  const kind = unlikeOf(model, row, X);
  const logit = MODELS[model.model.kind](model.model, encode(model, row, model.limit));
  const probability = sigmoid(logit);
  const [low, high] = kind ? [0, 1] : endsOf(model, logit, row, probability);
  const [yes, maybe, no, unlike] = model.answers;
  const { yes_at: yesAt, review_at: reviewAt } = model.thresholds;
  const band = kind ? unlike : probability >= yesAt ? yes : probability >= reviewAt ? maybe : no;
  return {
    probability,
    low,
    high,
    recommendation: model.refusal ? "" : band,
    unlike: model.kinds[kind],
    refusal: "",
  };
}

/**
 * Score one creator.
 *
 * @param {Object} record - column, or its header in the table the model learned from, to cell.
 * @returns {Object} probability, low and high (null where not scored), recommendation, unlike (in
 *   what the creator has no precedent) and refusal (why the creator is not scored).
 */
function scoreRecord(model, record) {
  const { row, refusal } = readRow(record, model);
  if (!refusal) return scoreRow(model, row);
  return { probability: null, low: null, high: null, recommendation: "", unlike: "", refusal };
}
