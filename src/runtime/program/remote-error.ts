import { type ErrorCode, type ErrorInfo, isRuntimeCode, RuntimeError } from '../../common/errors.ts';

/** An error that came as data, as something to throw: our own codes as RuntimeError, others as Error with their name. */
export function errorOf(info: ErrorInfo): Error {
  const options = info.cause === undefined ? {} : { cause: causeOf(info.cause) };
  return isRuntimeCode(info.code) ? ownError(info, info.code, options) : foreignError(info, options);
}

/** Only the error on top is wrapped into ours: below it the user's causes follow each other as they were. */
function causeOf(info: ErrorInfo): Error {
  if (info.name === undefined || info.name === 'RuntimeError') return errorOf(info);
  return foreignError(info, info.cause === undefined ? {} : { cause: causeOf(info.cause) });
}

/** The user's own error comes as ERR_TASK_FAILED with its class in `name`: it is the cause of ours. */
function ownError(info: ErrorInfo, code: ErrorCode, options: ErrorOptions): Error {
  const error = new RuntimeError(code, info.details ?? {}, options);
  error.message = info.message;
  if (info.name !== undefined && info.name !== 'RuntimeError') {
    error.cause = foreignError(info, options);
  }
  return error;
}

function foreignError(info: ErrorInfo, options: ErrorOptions): Error {
  const error = new Error(info.message, options);
  error.name = info.name ?? 'Error';
  if (info.stack !== undefined) error.stack = info.stack;
  if (!isRuntimeCode(info.code)) Object.assign(error, { code: info.code });
  return error;
}
