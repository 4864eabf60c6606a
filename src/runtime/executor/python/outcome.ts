import { RuntimeError } from '../../../common/errors.ts';
import { type Access, type DatumKind, writes } from '../../model/access.ts';
import type { VersionId } from '../../model/ids.ts';
import type { InvocationOutcome, OutputReport } from '../../model/outcome.ts';
import type { ExecutionRequest, ObjectStore } from '../../ports.ts';
import { type PythonOutcome, type PythonOutput, STATUS } from './records.ts';
import type { SharedFiles } from './shared-files.ts';

const NO_REPORTS: readonly OutputReport[] = [];

/** The outcome for the host, once the outputs are the content of their versions. */
export function concluded(
  request: ExecutionRequest,
  { status, ranMs, error, outputs }: PythonOutcome,
  store: ObjectStore,
  files: SharedFiles,
): InvocationOutcome {
  switch (status) {
    case STATUS.COMPLETED:
      return { status: 'completed', outputs: keep(request, outputs, store, files), ranMs };
    case STATUS.EXCEPTION:
      return { status: 'exception', error: error!, outputs: keep(request, outputs, store, files) };
    case STATUS.FAILED:
      return { status: 'failed', error: error!, ranMs };
    default:
      return { status: 'cancelled' };
  }
}

function keep(
  { accesses, outputs: versions }: ExecutionRequest,
  outputs: readonly PythonOutput[],
  store: ObjectStore,
  files: SharedFiles,
): readonly OutputReport[] {
  if (outputs.length === 0) return NO_REPORTS;
  const kinds = writtenKinds(accesses);
  return outputs.map((output, i) => {
    const version = versions[i];
    if (version === undefined) throw new RuntimeError('ERR_INTERNAL', { reason: `there is no output ${i}` });
    return keepOne(output, version, kinds[i] ?? 'value', { store, files });
  });
}

/** Of the outputs before the returns. */
const writtenKinds = (accesses: readonly Access[]): readonly DatumKind[] =>
  accesses.filter(({ direction }) => writes(direction)).map(({ kind }) => kind);

function keepOne(
  output: PythonOutput,
  version: VersionId,
  kind: DatumKind,
  { store, files }: { readonly store: ObjectStore; readonly files: SharedFiles },
): OutputReport {
  switch (output.as) {
    case 'delegated':
      return { bytes: 0, inline: false, delegatedTo: output.handle };
    case 'inline':
      store.putInline(version, output.bytes);
      return { bytes: output.bytes.length, inline: true };
    case 'file':
      if (kind === 'value') store.putFile(version, files.adopt(output.path), output.length, true, true);
      else store.putFile(version, output.path, output.length, true);
      return { bytes: output.length, inline: false };
  }
}
