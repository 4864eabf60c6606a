import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { JsonValue } from '../../../src/contracts/icos/descriptor/application.ts';
import { writeYaml } from '../../../src/contracts/icos/descriptor/yaml-writer.ts';

const RUNS = Number(process.env['MK_PROPERTY_RUNS'] ?? 1000);

/** Text that some reader takes for something else, and pieces that make such text. */
const tricky = fc.constantFrom(
  ...[
    '',
    ' ',
    '~',
    'null',
    'yes',
    'No',
    'on',
    'y',
    'TRUE',
    '0644',
    '0o17',
    '1:30',
    '1_000',
    '1e3',
    '.5',
    '.inf',
    '-',
    '- a',
    '?',
    ': ',
    'a: b',
    'a #b',
    '#',
    '&a',
    '*a',
    '!t',
    '|',
    '>',
    '%',
    '@',
    '`',
    '"',
    "'",
    '{',
    '[',
    ',',
    '<<',
    '=',
    '2024-01-01',
    '---',
    '...',
    '3Gi',
    '500m',
    'nginx:1.25',
    'http://a/b?c',
    'a\nb',
    'a\n',
    '\na',
    ' a\n b',
    'a\n\n',
    'a \nb ',
    '\ta\nb',
    'a\r\nb',
    'é',
    '\u2028',
    '\u0000',
    '\ufeff',
    'a:',
    ':a',
  ],
);
const text = fc.oneof(
  tricky,
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.oneof(tricky, fc.constantFrom('\n', ' ', 'word')), { maxLength: 6 }).map((parts) => parts.join('')),
);
const value = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
})).value;

it.each(['1.1', '1.2'] as const)('writes what a reader of YAML %s reads back as the same', (version) => {
  fc.assert(
    fc.property(value, (original) => {
      expect(parse(writeYaml(original), { version, merge: false, logLevel: 'silent' })).toEqual(original);
    }),
    { numRuns: RUNS },
  );
});

it('writes people’s YAML', () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', labels: { 'app.kubernetes.io/name': 'a', version: '1.2' } },
    spec: {
      containers: [{ name: 'c', image: 'nginx:1.25', args: ['-c', 'a: b'], env: [], command: [['x']] }],
      replicas: 2,
    },
    data: { script: '#!/bin/sh\necho hi\n' },
  };
  expect(writeYaml(pod)).toBe(`apiVersion: v1
kind: Pod
metadata:
  name: a
  labels:
    app.kubernetes.io/name: a
    version: "1.2"
spec:
  containers:
    - name: c
      image: nginx:1.25
      args:
        - "-c"
        - "a: b"
      env: []
      command:
        - - x
  replicas: 2
data:
  script: |
    #!/bin/sh
    echo hi
`);
});
