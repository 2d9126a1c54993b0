// The numbers of NumPy's `default_rng(seed)`, so that a seed gives here what it gives to `zoo sample` and `zoo predict`:
// SeedSequence and PCG64 (O'Neill 2014), the ziggurat (Marsaglia and Tsang 2000) for float32 normal numbers, Gumbel.

const MASK64 = (1n << 64n) - 1n;
const MASK128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const POOL = 4;

function seedWords(seed) {
  const words = [];
  for (let rest = BigInt(seed); rest > 0n; rest >>= 32n) words.push(Number(rest & 0xffffffffn));
  return words.length ? words : [0];
}

function seedState(seed) {
  let constant = 0x43b0d7e5;
  const hash = (value) => {
    value = (value ^ constant) >>> 0;
    constant = Math.imul(constant, 0x931e8875) >>> 0;
    value = Math.imul(value, constant) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mix = (x, y) => {
    const value = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const entropy = seedWords(seed);
  const pool = Array.from({ length: POOL }, (_, i) => hash(entropy[i] ?? 0));
  for (let from = 0; from < POOL; from++)
    for (let to = 0; to < POOL; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  for (let from = POOL; from < entropy.length; from++)
    for (let to = 0; to < POOL; to++) pool[to] = mix(pool[to], hash(entropy[from]));
  constant = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, i) => {
    let value = (pool[i % POOL] ^ constant) >>> 0;
    constant = Math.imul(constant, 0x58f38ded) >>> 0;
    value = Math.imul(value, constant) >>> 0;
    return BigInt((value ^ (value >>> 16)) >>> 0);
  });
  return [0, 2, 4, 6].map((i) => words[i] | (words[i + 1] << 32n));
}

const R = 3.6541528853610088; // where the ziggurat's lowest layer ends
const V = 0.00492867323397465524494; // area of a layer
const ZIGGURAT = ziggurat();

function ziggurat() {
  const layers = 256;
  const scale = 2 ** 23;
  const k = new Float64Array(layers);
  const w = new Float32Array(layers);
  const f = new Float32Array(layers);
  const lowest = V / Math.exp(-0.5 * R * R);
  k[0] = Math.floor((R / lowest) * scale);
  [w[0], w[layers - 1]] = [lowest / scale, R / scale];
  [f[0], f[layers - 1]] = [1, Math.exp(-0.5 * R * R)];
  let [above, x] = [R, R];
  for (let i = layers - 2; i >= 1; i--) {
    x = Math.sqrt(-2 * Math.log(V / x + Math.exp(-0.5 * x * x)));
    k[i + 1] = Math.floor((x / above) * scale);
    above = x;
    f[i] = Math.exp(-0.5 * x * x);
    w[i] = x / scale;
  }
  return { k, w, f };
}

/** NumPy's default generator of a seed, a whole number of any size. */
export class Generator {
  constructor(seed) {
    const [high, low, sequenceHigh, sequenceLow] = seedState(seed);
    this.increment = ((((sequenceHigh << 64n) | sequenceLow) << 1n) | 1n) & MASK128;
    this.state = 0n;
    this.step();
    this.state = (this.state + ((high << 64n) | low)) & MASK128;
    this.step();
    this.kept = null; // the upper half of a number of which the lower was taken
  }

  step() {
    this.state = (this.state * MULTIPLIER + this.increment) & MASK128;
  }

  next64() {
    this.step();
    const folded = (this.state >> 64n) ^ (this.state & MASK64);
    const turns = this.state >> 122n;
    return ((folded >> turns) | (folded << (64n - turns))) & MASK64;
  }

  next32() {
    if (this.kept !== null) {
      const value = this.kept;
      this.kept = null;
      return value;
    }
    const value = this.next64();
    this.kept = Number(value >> 32n);
    return Number(value & 0xffffffffn);
  }

  nextFloat() {
    return Math.fround((this.next32() >>> 8) / 16777216);
  }

  nextDouble() {
    return Number(this.next64() >> 11n) / 9007199254740992;
  }

  /** Normal numbers, float32. */
  normal(count) {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = this.oneNormal();
    return values;
  }

  oneNormal() {
    const { k, w, f } = ZIGGURAT;
    const fround = Math.fround;
    for (;;) {
      const bits = this.next32();
      const layer = bits & 0xff;
      const size = (bits >>> 9) & 0x7fffff;
      const x = fround(fround(size) * w[layer]) * ((bits >>> 8) & 1 ? -1 : 1);
      if (size < k[layer]) return x;
      if (layer === 0) return this.tail(size);
      const height = fround(fround(fround(f[layer - 1] - f[layer]) * this.nextFloat()) + f[layer]);
      if (height < Math.exp(-0.5 * x * x)) return x;
    }
  }

  tail(size) {
    const fround = Math.fround;
    for (;;) {
      const x = fround(-fround(1 / R) * fround(Math.log1p(-this.nextFloat())));
      const y = fround(-fround(Math.log1p(-this.nextFloat())));
      if (fround(y + y) > fround(x * x)) return (size >>> 8) & 1 ? -fround(fround(R) + x) : fround(fround(R) + x);
    }
  }

  /** Gumbel numbers. */
  gumbel(count) {
    return Float64Array.from({ length: count }, () => {
      for (;;) {
        const value = 1 - this.nextDouble();
        if (value < 1) return -Math.log(-Math.log(value));
      }
    });
  }
}
