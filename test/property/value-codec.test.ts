import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode, measure } from '../../src/runtime/data/value-codec.ts';

const numRuns = Number(process.env['MK_PROPERTY_RUNS'] ?? 300);

const text = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) });
const leaf = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.string(),
  text,
  fc.string({ minLength: 30, maxLength: 80 }),
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array({ maxLength: 600 }),
  fc.float64Array({ maxLength: 80 }),
  fc.bigInt64Array({ maxLength: 40 }),
  fc.array(fc.double(), { maxLength: 40 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), tie('value'), {
      maxKeys: 20,
      noNullPrototype: true,
    }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 5 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 5 }).map((entries) => new Set(entries)),
  ),
}));

describe('value codec', () => {
  it('gives back what was encoded, copied or as views, alone or in shared memory', () => {
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 3 }), (original, shift) => {
        const bytes = encode(original);
        expect(decode(bytes, { copy: true })).toStrictEqual(original);
        const measuredValue = measure(original);
        expect(measuredValue.byteLength).toBe(bytes.length);
        const slab = new SharedArrayBuffer(shift * 64 + bytes.length);
        measuredValue.encodeInto(new Uint8Array(slab), shift * 64);
        const region = new Uint8Array(slab, shift * 64);
        expect(region).toEqual(new Uint8Array(bytes));
        expect(decode(region, { copy: false })).toStrictEqual(original);
      }),
      { numRuns },
    );
  });

  it('refuses bytes that were cut or changed, or reads some value: never anything else', () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.integer({ min: 0, max: 255 }), (original, position, byte) => {
        const bytes = encode(original);
        const cut = bytes.subarray(0, position % bytes.length);
        expect(() => decode(cut, { copy: true })).toThrow(expect.objectContaining({ code: 'ERR_VALUE_MALFORMED' }));
        bytes[position % bytes.length] = byte;
        try {
          decode(bytes, { copy: true });
        } catch (error) {
          expect(['ERR_VALUE_MALFORMED', 'ERR_VALUE_CLASS_UNKNOWN']).toContain((error as { code: string }).code);
        }
      }),
      { numRuns },
    );
  });
});
