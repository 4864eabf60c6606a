/** What is sent to a host: our own worker, and the code of tasks. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { RuntimeError, toErrorInfo } from '../../common/errors.ts';
import { filesIn, type Pack, packFiles } from './pack.ts';

/** In a bundle this file is part of it; in a source tree `npm run build` has put one into `dist`. */
function defaultBundle(): string {
  const here = import.meta.dirname;
  return existsSync(join(here, 'main.js')) ? here : join(here, '../../../dist');
}

/** Packs each thing once in the life of the agent. */
export class Bundles {
  readonly #folder: string;
  readonly #codePaths: readonly string[];
  #worker: Promise<Pack> | undefined;

  constructor({ folder, codePaths }: { readonly folder?: string; readonly codePaths: readonly string[] }) {
    this.#folder = folder ?? defaultBundle();
    this.#codePaths = codePaths;
  }

  /** Throws ERR_SSH_BUNDLE. */
  worker(host: string): Promise<Pack> {
    if (!existsSync(join(this.#folder, 'main.js'))) {
      throw new RuntimeError('ERR_SSH_BUNDLE', { host, reason: `${this.#folder} has no main.js; run npm run build` });
    }
    this.#worker ??= packFiles([
      ...filesIn(this.#folder, 'dist', (name) => name.endsWith('.js')),
      ...filesIn(this.#bindings(), 'bindings/python', (name) => name.endsWith('.py')),
      { name: 'package.json', mode: 0o600, bytes: Buffer.from('{"name":"metakernel","type":"module"}\n') },
    ]);
    return this.#worker;
  }

  /** The other part of the package that a worker looks for beside its bundle. */
  #bindings(): string {
    const beside = join(this.#folder, '../bindings/python');
    return existsSync(beside) ? beside : join(import.meta.dirname, '../../../bindings/python');
  }

  /** Packed anew when its files may have changed: at every new worker. Throws ERR_SSH_STAGING. */
  async code(host: string): Promise<Pack> {
    try {
      return await packFiles(this.#codePaths.flatMap((path, index) => filesIn(path, `${index}/${basename(path)}`)));
    } catch (error) {
      const { message: reason } = toErrorInfo(error);
      throw new RuntimeError('ERR_SSH_STAGING', { file: 'the code', host, reason: `${reason}; or set AppDir` });
    }
  }

  /** Where the folders lie in what `code` has packed. */
  get codeFolders(): readonly string[] {
    return this.#codePaths.map((path, index) => `${index}/${basename(path)}`);
  }
}
