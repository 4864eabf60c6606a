/** A file that cannot be used as input: names the file and says what is wrong with it. */
export class InputFileError extends Error {
  override readonly name = 'InputFileError';
  readonly code: 'ERR_INPUT_FILE_MISSING' | 'ERR_INPUT_FILE_INVALID';

  constructor(file: string, reason: string, code: InputFileError['code'] = 'ERR_INPUT_FILE_INVALID') {
    super(`${file}: ${reason}`);
    this.code = code;
  }
}

/** ENOENT and its like become an InputFileError; anything else is passed on. */
export function orInputError<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new InputFileError(file, 'no such file', 'ERR_INPUT_FILE_MISSING');
    if (code === 'EISDIR') throw new InputFileError(file, 'is a directory');
    if (code === 'EACCES') throw new InputFileError(file, 'permission denied');
    throw error;
  }
}
