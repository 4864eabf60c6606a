import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** A file or directory as a parameter: the task gets a path of its own node. */
export class FileRef {
  readonly path: string;
  readonly kind: 'file' | 'directory';

  constructor(path: string, kind: 'file' | 'directory') {
    this.path = resolve(path);
    this.kind = kind;
  }

  /** Bytes; undefined when it is not there yet. */
  readonly length = (): number | undefined => (existsSync(this.path) ? statSync(this.path).size : undefined);
}
