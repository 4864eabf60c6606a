import { z } from 'zod';
import { RuntimeError } from '../../../common/errors.ts';
import type { Implementation } from '../../model/core-element.ts';

const text = z.string().min(1);

/** A program that runs before or after the task's own. */
const hook = z.object({
  binary: text,
  /** Words, quoted as in a shell; `{{name}}` is replaced. */
  params: z.string().optional(),
  /** Default true: its exit value other than 0 fails the attempt. */
  failByExitValue: z.boolean().default(true),
});
export type ProgramHook = z.output<typeof hook>;

/** What a position of the argument list is, beyond its value. */
const parameter = z.object({
  name: text.optional(),
  /** Put before the value. */
  prefix: z.string().optional(),
  /** The file of this position is a standard stream of the program. */
  stream: z.enum(['STDIN', 'STDOUT', 'STDERR', 'UNSPECIFIED']).default('UNSPECIFIED'),
});
export type ProgramParameter = z.output<typeof parameter>;

const settings = z.strictObject({
  /** Words with `{{name}}` or `{{0}}` where parameters go; absent: all parameters in order. */
  args: z.union([z.string(), z.array(z.string())]).optional(),
  parameters: z.array(z.union([text.transform((name) => parameter.parse({ name })), parameter])).default([]),
  stdin: text.optional(),
  stdout: text.optional(),
  stderr: text.optional(),
  /** Default: a folder of the attempt's own. */
  workingDir: text.optional(),
  env: z.record(text, z.string()).default({}),
  /** Default true: an exit value other than 0 is a failure. False: it is what the task returns. */
  failByExitValue: z.boolean().default(true),
  /** What the task returns: its exit value (default), what it printed as text, or that read as JSON. */
  result: z.enum(['exitValue', 'stdout', 'json']).default('exitValue'),
  prolog: hook.optional(),
  epilog: hook.optional(),
  /** CONTAINER. */
  engine: z.enum(['docker', 'podman']).optional(),
  image: text.optional(),
  /** CONTAINER: further words for the engine's `run`. */
  options: z.array(z.string()).default([]),
});
export type ProgramSettings = z.output<typeof settings>;

/** Throws ERR_PROGRAM_SETTINGS that names the key. */
export function parseProgramSettings(implementation: Implementation): ProgramSettings {
  const { module: program, language } = implementation;
  const result = settings.safeParse(implementation.settings ?? {});
  if (!result.success) {
    const issue = result.error.issues[0];
    throw invalid(program, issue?.path.join('.') || 'settings', issue?.message ?? 'invalid');
  }
  if (language === 'CONTAINER' && result.data.image === undefined) {
    throw invalid(program, 'image', 'a container needs one');
  }
  return result.data;
}

const invalid = (program: string, key: string, reason: string): RuntimeError =>
  new RuntimeError('ERR_PROGRAM_SETTINGS', { program, key, reason });
