/**
 * A small seeded generator, so that a data set is the same on every machine: xoshiro128** 1.1 (Blackman and Vigna),
 * its state filled by splitmix32. Only 32-bit integer operations and exact divisions: no platform's libm is involved.
 */
export interface Random {
  /** The next 32 bits as an unsigned integer. */
  uint32(): number;
  /** Uniform in [0, 1), in steps of 2^-32. */
  uniform(): number;
  /** An integer in [0, limit), fair up to limit / 2^32. */
  below(limit: number): number;
  /** Mean 0, variance 1, within ±3.47: the sum of four uniforms (Irwin-Hall), which needs no logarithm. */
  bell(): number;
}

/** Independent streams of one seed: one per file, one for the initial centres. */
export function createRandom(seed: number, stream = 0): Random {
  let mix = (seed ^ Math.imul(stream + 1, 0x9e3779b9)) | 0;
  const next = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let word = Math.imul(mix ^ (mix >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return word ^ (word >>> 15);
  };
  let a = next();
  let b = next();
  let c = next();
  let d = next();
  const uint32 = (): number => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = (): number => uint32() / 2 ** 32;
  return {
    uint32,
    uniform,
    below: (limit) => Math.floor(uniform() * limit),
    bell: () => (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3),
  };
}
