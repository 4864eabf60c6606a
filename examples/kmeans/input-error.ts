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

const isInputError = (error: Error): boolean =>
  'code' in error && (error.code === 'ERR_INPUT_FILE_MISSING' || error.code === 'ERR_INPUT_FILE_INVALID');

/** The input error that a failed task was failed by, if it was: it says more than that the task failed. */
export function inputErrorIn(error: unknown): Error | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (isInputError(cause)) return cause;
  return undefined;
}
