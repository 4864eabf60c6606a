import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RuntimeError } from '../../src/common/errors.ts';
import { BODIES, type BodyName, type Dialect, parseBody } from '../../src/contracts/agent/bodies.ts';
import { jsonNewResource, jsonStartApplication } from '../../src/contracts/agent/json-write.ts';
import {
  DATA_TYPES,
  type NewResource,
  PARAMETER_DIRECTIONS,
  type Parameter,
  PROCESSOR_KINDS,
  STD_IO_STREAMS,
  type StartApplication,
} from '../../src/contracts/agent/model.ts';
import { writeNewResource, writeStartApplication } from '../../src/contracts/agent/xml-write.ts';
import { createTestAgent, type TestAgent } from '../support/agent-app.ts';
import * as golden from '../support/agent-bodies.ts';

const RUNS = Number(process.env['MK_PROPERTY_RUNS'] ?? 150);

/** Text that survives both dialects: XML 1.0 has no control characters, and a carriage return becomes a line feed. */
const text = fc
  .string({ unit: 'binary', maxLength: 20 })
  .map((value) => value.replace(/[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?'));
const word = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.]{0,12}$/);

const typedValue = fc.oneof(
  fc.record({ type: fc.constant('INT_T' as const), value: fc.integer() }),
  fc.record({
    type: fc.constant('LONG_T' as const),
    value: fc
      .bigInt(-(2n ** 63n), 2n ** 63n - 1n)
      .map((big) => (Number.isSafeInteger(Number(big)) ? Number(big) : big)),
  }),
  fc.record({ type: fc.constant('DOUBLE_T' as const), value: fc.double() }),
  fc.record({ type: fc.constant('BOOLEAN_T' as const), value: fc.boolean() }),
  fc.record({ type: fc.constantFrom('STRING_T' as const, 'STRING_64_T' as const, 'OBJECT_T' as const), value: text }),
);

const parameter = fc
  .record(
    {
      given: typedValue,
      direction: fc.constantFrom(...PARAMETER_DIRECTIONS),
      stream: fc.constantFrom(...STD_IO_STREAMS),
      name: word,
      weight: fc.integer({ min: 1, max: 9 }),
    },
    { requiredKeys: ['given', 'direction', 'stream'] },
  )
  .map(({ given, ...rest }) => ({
    ...rest,
    type: given.type,
    value: { form: 'element' as const, value: given.value },
  }));

const call: fc.Arbitrary<StartApplication> = fc
  .record(
    {
      language: fc.constantFrom('JAVA' as const, 'PYTHON' as const, 'JS' as const),
      className: word,
      methodName: word,
      hasResult: fc.boolean(),
      ceiClass: word,
      parameters: fc.array(parameter, { maxLength: 5 }),
    },
    { requiredKeys: ['language', 'className', 'methodName', 'hasResult', 'parameters'] },
  )
  .map((request) => ({
    ...request,
    results: [],
    parameters: request.parameters.map((entry, index) => ({ index, ...entry })),
  }));

const resource: fc.Arbitrary<NewResource> = fc.record({
  name: word,
  adaptor: word,
  description: fc.record(
    {
      processors: fc.array(fc.record({ name: word, type: fc.constantFrom(...PROCESSOR_KINDS), units: fc.nat(64) }), {
        maxLength: 3,
      }),
      memoryGb: fc.nat(512),
      storageType: word,
      software: fc.array(word, { minLength: 1, maxLength: 3 }),
      wallClockLimitMinutes: fc.nat(99),
    },
    { requiredKeys: ['processors'] },
  ),
  projectProperties: fc.constant({}),
  resourceProperties: fc.dictionary(word, text, { maxKeys: 3, noNullPrototype: true }),
});

/** Classes are added by the XML form, and doubles that are integers keep no point: compare what they mean. */
const meaning = (request: StartApplication): unknown =>
  JSON.parse(
    JSON.stringify(
      {
        ...request,
        parameters: request.parameters.map((entry: Parameter) => ({
          ...entry,
          value: entry.value?.form === 'element' ? entry.value.value : null,
        })),
      },
      (_key, value: unknown) => (typeof value === 'bigint' || typeof value === 'number' ? `#${value}` : value),
    ),
  );

describe('bodies', () => {
  it('say the same after a trip through either dialect', () => {
    fc.assert(
      fc.property(call, (request) => {
        const fromXml = parseBody('startApplication', 'xml', writeStartApplication(request));
        const fromJson = parseBody('startApplication', 'json', JSON.stringify(jsonStartApplication(request)));
        expect(meaning(fromXml)).toEqual(meaning(request));
        expect(meaning(fromJson)).toEqual(meaning(request));
      }),
      { numRuns: RUNS },
    );
    fc.assert(
      fc.property(resource, (request) => {
        expect(parseBody('addResources', 'xml', writeNewResource(request))).toEqual(request);
        expect(parseBody('addResources', 'json', JSON.stringify(jsonNewResource(request)))).toEqual(request);
      }),
      { numRuns: RUNS },
    );
  });

  it('are either read or refused with a 4xx, however mangled', () => {
    fc.assert(
      fc.property(anyBody(), ({ name, dialect, body }) => {
        try {
          parseBody(name, dialect, body);
        } catch (error) {
          expect(error).toBeInstanceOf(RuntimeError);
          expect((error as RuntimeError).status).toBeGreaterThanOrEqual(400);
          expect((error as RuntimeError).status).toBeLessThan(500);
        }
      }),
      { numRuns: RUNS * 5 },
    );
  });
});

describe('requests', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await createTestAgent();
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it('get 2xx or 4xx with a code, however mangled', async () => {
    await fc.assert(
      fc.asyncProperty(anyBody(), async ({ name, dialect, body }) => {
        const answer = await agent.app.inject({
          method: 'PUT',
          url: `/COMPSs/${name}`,
          payload: body,
          headers: {
            'content-type': dialect === 'xml' ? 'application/xml' : 'application/json',
            accept: 'application/json',
          },
        });
        expect([2, 4]).toContain(Math.floor(answer.statusCode / 100));
        if (answer.statusCode >= 400)
          expect(answer.json()).toMatchObject({ status: answer.statusCode, code: expect.stringMatching(/^ERR_/) });
      }),
      { numRuns: RUNS },
    );
    expect(Object.prototype).not.toHaveProperty('polluted');
  });
});

const SEEDS: readonly { readonly name: BodyName; readonly dialect: Dialect; readonly body: string }[] = [
  { name: 'startApplication', dialect: 'xml', body: golden.JAVA_MAIN_XML },
  { name: 'startApplication', dialect: 'xml', body: golden.PYTHON_XML },
  { name: 'startApplication', dialect: 'xml', body: golden.TYPED_XML },
  { name: 'startApplication', dialect: 'xml', body: golden.STOP_XML },
  { name: 'startApplication', dialect: 'json', body: JSON.stringify(golden.START_JSON) },
  { name: 'addResources', dialect: 'xml', body: golden.ADD_XML },
  { name: 'addResources', dialect: 'json', body: JSON.stringify(golden.ADD_JSON) },
  { name: 'removeResources', dialect: 'xml', body: golden.REDUCE_XML },
  { name: 'lostNode', dialect: 'xml', body: golden.LOST_XML },
  { name: 'endApplication', dialect: 'xml', body: golden.END_XML },
];

const FRAGMENTS = [
  '<',
  '>',
  '</',
  '/>',
  '<![CDATA[',
  ']]>',
  '<!--',
  '-->',
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  '&b;',
  '&#0;',
  '&#x110000;',
  '&',
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  'null',
  'true',
  '-1',
  '1e999',
  '9'.repeat(40),
  '{"__proto__":{"polluted":1}}',
  '<__proto__>1</__proto__>',
  '<constructor/>',
  'xsi:type="xs:int"',
  '\0',
  '\ud800',
  '\u2028',
  ' ',
  '<?xml version="1.0"?>',
  '<array><values/></array>',
  '<element/>',
  '"value":{"toString":1}',
];

/** Real bodies with pieces cut out, doubled, swapped or put in; and plain noise. */
function anyBody(): fc.Arbitrary<{ name: BodyName; dialect: Dialect; body: string }> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(40),
    insert: fc.oneof(fc.constantFrom(...FRAGMENTS, ...DATA_TYPES), text, fc.constant('')),
  });
  const mutated = fc.tuple(fc.constantFrom(...SEEDS), fc.array(edit, { maxLength: 4 })).map(([seed, edits]) => ({
    ...seed,
    body: edits.reduce((body, { at, length, insert }) => {
      const start = Math.floor(at * body.length);
      return body.slice(0, start) + insert + body.slice(start + length);
    }, seed.body),
  }));
  const names = Object.keys(BODIES) as BodyName[];
  const noise = fc.record({
    name: fc.constantFrom(...names),
    dialect: fc.constant('json' as const),
    body: fc.json({ maxDepth: 4 }),
  });
  const misplaced = fc
    .tuple(fc.constantFrom(...names), fc.constantFrom(...SEEDS))
    .map(([name, seed]) => ({ ...seed, name }));
  return fc.oneof(
    { weight: 6, arbitrary: mutated },
    { weight: 1, arbitrary: noise },
    { weight: 1, arbitrary: misplaced },
  );
}
