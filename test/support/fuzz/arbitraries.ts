/** Things that look like what an agent reads, and are not quite. */
import fc from 'fast-check';
import * as bodies from '../agent-bodies.ts';

/** Bodies that are right, of both dialects. Those with a stop action would end the agent, as they should. */
const RIGHT = Object.entries(bodies)
  .map(([, body]) => body as unknown)
  .map((body) => (typeof body === 'string' ? body : JSON.stringify(body)))
  // Nobody is there to be waited for.
  .map((text) => text?.replaceAll(/10\.0\.0\.\d+/g, '127.0.0.1'))
  .filter((text): text is string => text !== undefined && !/forwardTo|orchestrator/i.test(text));

const ROUTES = [
  'startApplication',
  'endApplication',
  'addResources',
  'removeResources',
  'removeNode',
  'lostNode',
  'applications/1/cancel',
] as const;

const hostile = fc.constantFrom<unknown>(
  null,
  -1,
  2 ** 53,
  1e308,
  '',
  '\u0000',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  [],
  {},
  'x'.repeat(5_000),
  '\ud800',
);

/** Replaces values of a JSON tree, or keys of it. */
const changedJson = fc
  .tuple(
    fc.constantFrom(...RIGHT.filter((text) => text.startsWith('{'))),
    fc.array(fc.tuple(fc.nat(), fc.oneof(hostile, fc.jsonValue())), { minLength: 1, maxLength: 4 }),
  )
  .map(([text, changes]) => {
    const tree = JSON.parse(text) as Record<string, unknown>;
    for (const [at, value] of changes) replace(tree, at, value);
    return JSON.stringify(tree);
  });

/** Pieces of a text taken out, doubled, or exchanged with hostile ones. */
const changedText = (texts: readonly string[]): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      fc.constantFrom(...texts),
      fc.array(
        fc.tuple(
          fc.nat(),
          fc.nat({ max: 40 }),
          fc.oneof(
            fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
            fc
              .constantFrom(
                '<',
                '>',
                '&x;',
                '<![CDATA[',
                '<!DOCTYPE a [<!ENTITY e "e">]>',
                '</',
                '"',
                '{',
                '[',
                '\u0000',
                '<a>'.repeat(300),
                '['.repeat(300),
              )
              .map((piece) => Buffer.from(piece)),
          ),
        ),
        { minLength: 1, maxLength: 4 },
      ),
    )
    .map(([text, cuts]) => {
      let bytes: Buffer = Buffer.from(text);
      for (const [at, length, piece] of cuts) {
        const from = at % (bytes.length + 1);
        bytes = Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(from + length)]);
      }
      return bytes;
    });

export interface FuzzedRequest {
  readonly route: string;
  readonly type: string;
  readonly body: Buffer;
}

export const fuzzedRequest: fc.Arbitrary<FuzzedRequest> = fc.record({
  route: fc.constantFrom(...ROUTES),
  type: fc.constantFrom('application/json', 'application/xml', 'application/xml; charset=utf-8', 'text/plain'),
  body: fc.oneof(
    { weight: 4, arbitrary: changedJson.map((text) => Buffer.from(text)) },
    { weight: 4, arbitrary: changedText(RIGHT) },
    { weight: 1, arbitrary: fc.json({ maxDepth: 8 }).map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 1,
      arbitrary: fc.nat({ max: 3_000 }).map((depth) => Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`)),
    },
    {
      weight: 1,
      arbitrary: fc.nat({ max: 3_000 }).map((depth) => Buffer.from(`${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`)),
    },
  ),
});

/** Bytes with some of them changed, cut off or put in. */
export const damaged = (right: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      right,
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 }),
      fc.option(fc.nat(), { freq: 4 }),
      fc.uint8Array({ maxLength: 12 }),
    )
    .map(([bytes, changes, cut, more]) => {
      const copy = Buffer.from(bytes);
      for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
      return Buffer.concat([cut === null ? copy : copy.subarray(0, cut % (copy.length + 1)), more]);
    });

function replace(tree: Record<string, unknown>, at: number, value: unknown): void {
  const places: (readonly [Record<string, unknown>, string])[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const key of Object.keys(node)) {
      places.push([node as Record<string, unknown>, key]);
      visit((node as Record<string, unknown>)[key]);
    }
  };
  visit(tree);
  const place = places[at % Math.max(1, places.length)];
  if (place === undefined) return;
  const [node, key] = place;
  if (at % 5 === 0 && !Array.isArray(node)) delete node[key];
  else if (at % 7 === 0 && !Array.isArray(node)) node[String(value).slice(0, 40)] = node[key];
  else node[key] = value;
}
