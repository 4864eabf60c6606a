import { existsSync, realpathSync, statSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RuntimeError } from '../../../common/errors.ts';
import { declaredFunction, taskFunction } from '../../program/declared.ts';
import type { ThreadImplementation } from '../protocol.ts';
import { attempts } from './attempt.ts';

export type UserFunction = (...args: unknown[]) => unknown;

const EXTENSIONS = ['', '.ts', '.mts', '.js', '.mjs', '.cjs', `${sep}index.ts`, `${sep}index.js`];
const MAX_NAMES = 20;

/** `import 'metakernel'` in user code means this very package, whatever is installed beside the user's file. */
export function bindPublicEntry(url: string): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'metakernel' ? { url, shortCircuit: true } : next(specifier, context),
  });
}

/** Finds user functions; each module is loaded once. */
export class Modules {
  readonly #codePaths: readonly string[];
  readonly #loaded = new Map<string, Promise<Record<string, unknown>>>();

  constructor(codePaths: readonly string[]) {
    this.#codePaths = codePaths.map((path) => realpathSync(path));
  }

  async load(implementation: ThreadImplementation): Promise<UserFunction> {
    const file = this.#resolve(implementation.module);
    const exports = await this.#import(implementation.module, file);
    const found = declaredFunction(implementation.signature) ?? functionIn(exports, implementation.method);
    if (found !== undefined) return found;
    throw new RuntimeError('ERR_FUNCTION_UNKNOWN', {
      method: implementation.method,
      file,
      known: Object.keys(exports)
        .filter((name) => functionIn(exports, name) !== undefined)
        .slice(0, MAX_NAMES)
        .join(', '),
    });
  }

  #import(module: string, file: string): Promise<Record<string, unknown>> {
    let loading = this.#loaded.get(file);
    if (loading === undefined) {
      // What a module does while it is loaded belongs to no attempt.
      loading = attempts.run(undefined, () => import(pathToFileURL(file).href) as Promise<Record<string, unknown>>);
      this.#loaded.set(file, loading);
    }
    return loading.catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new RuntimeError('ERR_MODULE_FAILED', { module, file, reason }, { cause: error });
    });
  }

  /** A file inside a code path, else a package that code there can see. */
  #resolve(module: string): string {
    for (const root of this.#codePaths) {
      const base = resolve(root, module);
      if (!isInside(root, base)) throw this.#outside(module);
      for (const extension of EXTENSIONS) {
        const file = base + extension;
        if (!existsSync(file) || !statSync(file).isFile()) continue;
        const real = realpathSync(file);
        if (!this.#codePaths.some((path) => isInside(path, real))) throw this.#outside(module);
        return real;
      }
    }
    return this.#resolvePackage(module);
  }

  #resolvePackage(module: string): string {
    if (!module.startsWith('.') && !isAbsolute(module)) {
      for (const root of this.#codePaths) {
        try {
          const file = createRequire(join(root, 'module.js')).resolve(module);
          if (isAbsolute(file)) return file;
        } catch {
          // Not visible from this code path: the next one may see it.
        }
      }
    }
    throw new RuntimeError('ERR_MODULE_UNKNOWN', { module, codePaths: this.#codePaths.join(', ') });
  }

  #outside(module: string): RuntimeError {
    return new RuntimeError('ERR_MODULE_OUTSIDE_CODE_PATH', { module, codePaths: this.#codePaths.join(', ') });
  }
}

function isInside(root: string, path: string): boolean {
  const from = relative(root, path);
  return from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from);
}

/** An export by its name; `Class.method` and other dotted names reach into it. A declared task means its function. */
function functionIn(exports: Record<string, unknown>, method: string): UserFunction | undefined {
  let holder: unknown = exports;
  let value: unknown = exports;
  for (const name of method.split('.')) {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !(name in value))
      return undefined;
    holder = value;
    value = (value as Record<string, unknown>)[name];
  }
  if (typeof value !== 'function') return undefined;
  const own = taskFunction(value) ?? (value as UserFunction);
  return holder === exports ? own : own.bind(holder);
}
