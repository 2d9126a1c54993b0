// Text to token ids and back, as `zoo.data.tokenizer` does it.

const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const WORD = new RegExp(`[\\p{L}\\p{N}_]+|[^\\p{L}\\p{N}_${SPACE}]`, "gu");
const BETWEEN = new RegExp(`[${SPACE}]+`, "u");
const SPLIT = {
  character: (text) => Array.from(text),
  word: (text) => text.match(WORD) ?? [],
  whitespace: (text) => text.split(BETWEEN).filter(Boolean),
};
// Those of the package tokenizers, whose white space is Unicode's, not Python's.
const BYTE_WORD =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const PIECE_WORD = /[\p{P}!-\/:-@\[-`{-~]|[^\p{White_Space}\p{P}!-\/:-@\[-`{-~]+/gu;
const REPLACEMENT = "\ufffd";

/** What `signature.tokenizer` of a file describes; `constants` has the ids of the special tokens. */
export class Tokenizer {
  constructor(facts, constants) {
    Object.assign(this, { level: facts.level, symbols: facts.symbols, lowercase: facts.lowercase, length: facts.length });
    if (facts.marks) throw new Error("a tokenizer with marks around each text is not read here");
    this.constants = constants;
    this.first = constants.end + 1; // id of the first symbol
    this.pieces = facts.subwords ? new Pieces(JSON.parse(facts.subwords)) : null;
    this.ids = new Map(this.symbols.map((symbol, i) => [symbol, i + this.first]));
  }

  /** Token ids of a text. */
  encode(text) {
    let ids;
    if (this.pieces) {
      const { unknown } = this.pieces;
      ids = this.pieces.cut(text).map((n) => (n === unknown ? this.constants.unknown : n + this.first));
    } else {
      const tokens = SPLIT[this.level](this.lowercase ? text.toLowerCase() : text);
      ids = tokens.map((token) => this.ids.get(token) ?? this.constants.unknown);
    }
    return this.length ? ids.slice(0, this.length) : ids;
  }

  /** The text of ids, up to an end mark or padding. */
  decode(ids) {
    const { padding, end, start, unknown } = this.constants;
    const stop = ids.findIndex((id) => id === padding || id === end);
    const kept = (stop < 0 ? ids : ids.slice(0, stop)).filter((id) => id !== start);
    if (!this.pieces) {
      const names = kept.map((id) => (id === unknown ? REPLACEMENT : this.symbols[id - this.first]));
      return names.join(this.level === "character" ? "" : " ");
    }
    const parts = [[]];
    for (const id of kept) id === unknown ? parts.push([]) : parts.at(-1).push(id - this.first);
    return parts.map((part) => this.pieces.join(part)).join(REPLACEMENT);
  }

  /** Tokens of a text that the vocabulary lacks. */
  countUnknown(text) {
    return this.encode(text).filter((id) => id === this.constants.unknown).length;
  }
}

const BYTES = byteLetters();

/** The letters that stand for bytes in byte pair encoding (Radford et al. 2019). */
function byteLetters() {
  const shown = (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let more = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(shown(byte) ? byte : more++));
}

/** Pieces of words, as the package tokenizers cuts them: byte pair encoding of bytes, or WordPiece. */
class Pieces {
  constructor(facts) {
    const { model } = facts;
    this.model = model;
    this.numbers = new Map(Object.entries(model.vocab));
    this.names = [];
    for (const [name, number] of this.numbers) this.names[number] = name;
    this.unknown = model.unk_token == null ? null : this.numbers.get(model.unk_token);
    const steps = facts.normalizer?.normalizers ?? (facts.normalizer ? [facts.normalizer] : []);
    this.steps = steps.map((step) => step.type);
    this.prefix = facts.pre_tokenizer.add_prefix_space;
    if (model.type === "BPE") {
      const pairs = model.merges.map((pair) => (Array.isArray(pair) ? pair.join(" ") : pair));
      this.ranks = new Map(pairs.map((pair, rank) => [pair, rank]));
    }
  }

  cut(text) {
    if (this.steps.includes("NFC")) text = text.normalize("NFC");
    if (this.steps.includes("Lowercase")) text = Array.from(text, (letter) => letter.toLowerCase()).join(""); // each by itself
    return this.model.type === "BPE" ? this.cutBytes(text) : this.cutWords(text);
  }

  cutBytes(text) {
    if (this.prefix && text && !text.startsWith(" ")) text = ` ${text}`;
    const words = text.match(BYTE_WORD) ?? [];
    return words.flatMap((word) => this.merge(Array.from(new TextEncoder().encode(word), (byte) => BYTES[byte])));
  }

  merge(parts) {
    for (;;) {
      let [best, at] = [Infinity, -1];
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = this.ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Infinity;
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) return parts.map((part) => this.numbers.get(part));
      parts.splice(at, 2, parts[at] + parts[at + 1]);
    }
  }

  cutWords(text) {
    const words = text.match(PIECE_WORD) ?? [];
    return words.flatMap((word) => this.longestPieces(Array.from(word)));
  }

  longestPieces(letters) {
    const { continuing_subword_prefix: mark, max_input_chars_per_word: most } = this.model;
    if (letters.length > most) return [this.unknown];
    const found = [];
    for (let start = 0; start < letters.length; ) {
      let end = letters.length;
      let number;
      for (; end > start; end--) {
        number = this.numbers.get((start ? mark : "") + letters.slice(start, end).join(""));
        if (number !== undefined) break;
      }
      if (end === start) return [this.unknown];
      found.push(number);
      start = end;
    }
    return found;
  }

  join(numbers) {
    const names = numbers.map((number) => this.names[number]);
    if (this.model.type === "BPE") {
      const bytes = new Map(BYTES.map((letter, byte) => [letter, byte]));
      const content = Uint8Array.from(Array.from(names.join("")), (letter) => bytes.get(letter));
      return new TextDecoder().decode(content).replace(/^ /, "");
    }
    const mark = this.model.continuing_subword_prefix;
    const joined = (name, i) => (i && name.startsWith(mark) ? name.slice(mark.length) : `${i ? " " : ""}${name}`);
    return names.map((name, i) => tidy(joined(name, i))).join("");
  }
}

/** Take the blank before punctuation away, as the decoder of WordPiece does with each piece. */
function tidy(text) {
  const pairs = [[" .", "."], [" ?", "?"], [" !", "!"], [" ,", ","], [" ' ", "'"], [" n't", "n't"], [" 'm", "'m"]];
  pairs.push([" do not", " don't"], [" 's", "'s"], [" 've", "'ve"], [" 're", "'re"]);
  return pairs.reduce((found, [from, to]) => found.replaceAll(from, to), text);
}
