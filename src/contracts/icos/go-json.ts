import { z } from 'zod';

/**
 * The peers of this tier decode JSON by Go's rules: member names match whatever their case (`ID`, `id`), `null` is the
 * same as absent, and unknown members are ignored. An exact spelling wins over another casing.
 */
export function goObject<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const spelling = new Map(Object.keys(shape).map((key) => [key.toLowerCase(), key]));
  return z.preprocess((input) => foldKeys(input, spelling), z.object(shape));
}

function foldKeys(input: unknown, spelling: ReadonlyMap<string, string>): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  const folded: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(input)) {
    const wanted = spelling.get(key.toLowerCase());
    if (wanted === undefined || value === null) continue;
    if (key === wanted || !(wanted in folded)) folded[wanted] = value;
  }
  return folded;
}

/** Go's `time.Time{}`: what an unset time looks like on the wire. */
export const ZERO_TIME = '0001-01-01T00:00:00Z';

/** RFC 3339 with any offset and any number of fractional digits. */
export const goTime = z.iso.datetime({ offset: true });

/** Every stored object of the job manager begins with these three. */
export const stored = { created_at: goTime.default(ZERO_TIME), updated_at: goTime.default(ZERO_TIME) };

/** A UUID in any version; Go's nil UUID included. An empty string is Go's zero value and means "none". */
export const uuid = z.guid();
export const uuidOrEmpty = z.union([uuid, z.literal('')]);

/** Numeric primary keys of child rows: unsigned 32 bits. */
export const rowId = z.int().min(0).max(0xffff_ffff);
