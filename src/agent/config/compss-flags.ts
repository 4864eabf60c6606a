/**
 * Flags of `compss_agent_start` that mean nothing here (its tracing, its virtual machine): they are taken with their value, so that its users' command lines keep working.
 */
const IGNORED: ReadonlyMap<string, 'value' | 'optional'> = new Map([
  ['--library_path', 'value'],
  ['--scheduler_config_file', 'value'],
  ['--python_interpreter', 'value'],
  ['--jvm_master_opts', 'value'],
  ['--tracing', 'optional'],
  ['-t', 'optional'],
  ['--summary', 'optional'],
]);

export function withoutIgnoredFlags(argv: readonly string[]): {
  readonly kept: readonly string[];
  readonly ignored: readonly string[];
} {
  const kept: string[] = [];
  const ignored: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    const name = word.split('=', 1)[0] ?? '';
    const form = IGNORED.get(name);
    if (form === undefined) {
      kept.push(word);
      continue;
    }
    ignored.push(name);
    if (form === 'value' && !word.includes('=')) index += 1;
  }
  return { kept, ignored };
}
