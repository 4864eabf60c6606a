/** A file or directory that tasks read and write: its versions are the runtime's, its path is where `waitOn` brings it. */
export class FileRef {
  /** Absolute. */
  readonly path: string;
  readonly kind: 'file' | 'directory';

  constructor(path: string, kind: 'file' | 'directory') {
    this.path = path;
    this.kind = kind;
  }

  toString(): string {
    return this.path;
  }
}
