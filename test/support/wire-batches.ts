import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import type { ErrorInfo } from '../../src/common/errors.ts';
import {
  accessMode,
  INPUT_INLINE,
  INPUT_NONE,
  INPUT_PASSING,
  INPUT_SOURCES,
  type LaunchEncoder,
  type LaunchReader,
  writesVersion,
} from '../../src/contracts/agent-link/launch-batch.ts';
import {
  SETTLED_STATUSES,
  type SettledEncoder,
  type SettledReader,
  type SettledStatus,
} from '../../src/contracts/agent-link/settled-batch.ts';
import { ProvenanceSchema } from '../../src/contracts/gen/agent_pb.ts';

/** Launches and outcomes as plain data, with generators, for the tests of their codecs. */
export interface PlainAccess {
  readonly direction: number;
  readonly kind: number;
  readonly keepRename: boolean;
  readonly form: number;
  readonly input: number;
  readonly inline?: Uint8Array;
  readonly sources?: { readonly bytes: number; readonly nodes: readonly string[] };
}

export interface PlainLaunch {
  readonly invocation: number;
  readonly element: number;
  readonly preserveInputs: boolean;
  readonly args?: Uint8Array;
  readonly key?: string;
  readonly accesses: readonly PlainAccess[];
  readonly returns: number;
  readonly outputs: readonly number[];
  readonly timeOutMs?: number;
}

export interface PlainOutput {
  readonly bytes: number;
  readonly inline?: Uint8Array;
}

export interface PlainSettled {
  readonly invocation: number;
  readonly status: SettledStatus;
  readonly outputs: readonly PlainOutput[];
  readonly ranMs?: number;
  readonly error?: ErrorInfo;
  readonly reason: string;
}

const id = fc.maxSafeNat();
const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
const text = fc.string({ maxLength: 12, unit: 'grapheme' });

const plainAccess: fc.Arbitrary<PlainAccess> = fc
  .record({
    direction: fc.nat(5),
    kind: fc.nat(2),
    keepRename: fc.boolean(),
    form: fc.nat(4),
    input: id,
    inline: fc.uint8Array({ maxLength: 40 }),
    sources: fc.record({ bytes: id, nodes: fc.array(text, { maxLength: 3 }) }),
  })
  .map(({ direction, kind, keepRename, form, input, inline, sources }) => ({
    direction,
    kind,
    keepRename,
    form,
    input: form === INPUT_NONE ? -1 : input,
    ...(form === INPUT_INLINE || form === INPUT_PASSING ? { inline } : {}),
    ...(form === INPUT_SOURCES ? { sources } : {}),
  }));

export const plainLaunch: fc.Arbitrary<PlainLaunch> = fc
  .record(
    {
      invocation: id,
      element: fc.nat(0xffff_ffff),
      preserveInputs: fc.boolean(),
      args: bytes,
      key: text.filter((value) => value !== ''),
      accesses: fc.array(plainAccess, { maxLength: 4 }),
      returns: fc.nat(3),
      first: fc.nat(1000),
      timeOutMs: fc.integer({ min: 1 }),
    },
    { requiredKeys: ['invocation', 'element', 'preserveInputs', 'accesses', 'returns', 'first'] },
  )
  .map(({ first, ...launch }) => {
    const count = launch.accesses.filter((one) => writesVersion(one.direction)).length + launch.returns;
    return { ...launch, outputs: Array.from({ length: count }, (_, index) => first + index) };
  });

const plainError: fc.Arbitrary<ErrorInfo> = fc
  .letrec<{ error: ErrorInfo }>((tie) => ({
    error: fc.record(
      {
        code: text,
        message: text,
        stack: text,
        name: text,
        details: fc.dictionary(
          fc.string({ minLength: 1, maxLength: 5 }),
          fc.oneof(text, fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true })),
          { maxKeys: 3 },
        ),
        cause: fc.option(tie('error'), { nil: undefined, maxDepth: 3 }) as fc.Arbitrary<ErrorInfo>,
      },
      { requiredKeys: ['code', 'message'] },
    ),
  }))
  .error.map(withoutAbsentCause);

function withoutAbsentCause(error: ErrorInfo): ErrorInfo {
  const { cause, ...rest } = error;
  return cause === undefined ? rest : { ...rest, cause: withoutAbsentCause(cause) };
}

const plainOutput: fc.Arbitrary<PlainOutput> = fc.oneof(
  fc.record({ bytes: id }),
  fc.uint8Array({ maxLength: 40 }).map((inline) => ({ bytes: inline.length, inline })),
);

export const plainSettled: fc.Arbitrary<PlainSettled> = fc
  .record(
    {
      invocation: id,
      status: fc.constantFrom(...SETTLED_STATUSES),
      outputs: fc.array(plainOutput, { maxLength: 3 }),
      ranMs: fc.double({ min: 0, noNaN: true }),
      error: plainError,
      reason: text,
    },
    { requiredKeys: ['invocation', 'status', 'outputs'] },
  )
  .map((one) => ({ ...one, reason: one.reason ?? '' }));

export function encodeLaunches(launches: readonly PlainLaunch[], encoder: LaunchEncoder): void {
  for (const one of launches) {
    encoder.launch(one.invocation, one.element, one.preserveInputs, one.args);
    encoder.counts(one.accesses.length, one.returns, one.key);
    for (const access of one.accesses) encodeAccess(access, encoder);
    for (const output of one.outputs) encoder.output(output);
    if (one.timeOutMs !== undefined) {
      encoder.extra({ timeOutMs: one.timeOutMs, trace: '', hostNames: [], names: [], weights: [] });
    }
  }
}

function encodeAccess(access: PlainAccess, encoder: LaunchEncoder): void {
  encoder.access(accessMode(access.direction, access.kind, access.keepRename, access.form), access.input);
  if (access.inline !== undefined) encoder.inline(access.inline);
  if (access.sources !== undefined) encoder.sources(provenanceOf(access.sources));
}

const provenanceOf = (sources: NonNullable<PlainAccess['sources']>) =>
  create(ProvenanceSchema, {
    bytes: sources.bytes,
    sources: sources.nodes.map((node) => ({ node, host: 'h', port: 1, key: 'k', ticket: 't', path: '' })),
  });

export function decodeLaunches(reader: LaunchReader): PlainLaunch[] {
  const launches: PlainLaunch[] = [];
  while (reader.next()) {
    const { invocation, element, preserveInputs, args, key, extra, returnCount } = reader;
    const accesses = Array.from({ length: reader.accessCount }, () => decodeAccess(reader));
    const count = accesses.filter((one) => writesVersion(one.direction)).length + returnCount;
    const outputs = Array.from({ length: count }, () => reader.nextOutput());
    launches.push({
      invocation,
      element,
      preserveInputs,
      accesses,
      returns: returnCount,
      outputs,
      ...(args === undefined ? {} : { args: Uint8Array.from(args) }),
      ...(key === undefined ? {} : { key }),
      ...(extra === undefined ? {} : { timeOutMs: extra.timeOutMs }),
    });
  }
  return launches;
}

function decodeAccess(reader: LaunchReader): PlainAccess {
  reader.nextAccess();
  const { direction, kind, keepRename, input, inline, provenance } = reader;
  return {
    direction,
    kind,
    keepRename,
    form: reader.inputForm,
    input,
    ...(inline === undefined ? {} : { inline: Uint8Array.from(inline) }),
    ...(provenance === undefined
      ? {}
      : { sources: { bytes: provenance.bytes, nodes: provenance.sources.map((one) => one.node) } }),
  };
}

export function encodeSettled(settled: readonly PlainSettled[], encoder: SettledEncoder): void {
  for (const one of settled) {
    encoder.settled(one.invocation, one.status, one.outputs.length, one.ranMs);
    for (const output of one.outputs) {
      if (output.inline === undefined) encoder.stays(output.bytes);
      else encoder.inline(output.inline);
    }
    if (one.error !== undefined || one.reason !== '') encoder.wrong(one.error, one.reason);
  }
}

export function decodeSettled(reader: SettledReader): PlainSettled[] {
  const settled: PlainSettled[] = [];
  while (reader.next()) {
    const { invocation, status, ranMs, error, reason } = reader;
    const outputs = Array.from({ length: reader.outputCount }, () => {
      reader.nextOutput();
      const { outputBytes, inline } = reader;
      return inline === undefined ? { bytes: outputBytes } : { bytes: outputBytes, inline: Uint8Array.from(inline) };
    });
    settled.push({
      invocation,
      status,
      outputs,
      reason,
      ...(ranMs === undefined ? {} : { ranMs }),
      ...(error === undefined ? {} : { error }),
    });
  }
  return settled;
}
