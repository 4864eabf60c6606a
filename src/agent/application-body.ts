/** Views of applications in the words of the wire. */
import { dirname } from 'node:path';
import { type ErrorInfo, isRuntimeCode } from '../common/errors.ts';
import type { ApplicationBody, ApplicationEventBody } from '../contracts/agent/views.ts';
import type { ApplicationEvent, ApplicationView } from './backend.ts';

export function applicationBodyOf(view: ApplicationView): ApplicationBody {
  const { id, language, error, tasks, completedByNode, ...rest } = view;
  return {
    appId: id,
    lang: language,
    ...rest,
    tasks: { ...tasks },
    completedByNode: { ...completedByNode },
    ...(error === undefined ? {} : { error: publicError(error) }),
  };
}

export function eventBodyOf(event: ApplicationEvent): ApplicationEventBody {
  const head = { appId: event.application, seq: event.seq, at: event.at };
  switch (event.type) {
    case 'status':
      return { ...head, type: 'status', application: applicationBodyOf(event.view) };
    case 'progress':
      return { ...head, type: 'progress', tasks: { ...event.tasks }, completedByNode: { ...event.completedByNode } };
    case 'notice':
      return { ...head, type: 'notice', error: publicError(event.error) };
  }
}

type PublicError = NonNullable<ApplicationBody['error']>;

/** Frames of this package, in the sources or in the bundle. */
const OWN_CODE = dirname(import.meta.dirname);

/** What is left of a stack without our own frames: the user's code. */
function userStack(code: string, stack: string | undefined): string | undefined {
  const ours = isRuntimeCode(code) && code !== 'ERR_TASK_FAILED';
  if (stack === undefined || ours) return undefined;
  return stack
    .split('\n')
    .filter((line) => !line.includes(OWN_CODE))
    .join('\n');
}

/** The stack of the user's own code stays; ours is for the log only. */
export function publicError(error: ErrorInfo): PublicError {
  const { code, message, name, details, cause } = error;
  const stack = userStack(code, error.stack);
  return {
    code,
    message,
    ...(name === undefined ? {} : { name }),
    ...(stack === undefined ? {} : { stack }),
    ...(details === undefined ? {} : { details: definedDetails(details) }),
    ...(cause === undefined ? {} : { cause: publicError(cause) }),
  };
}

const definedDetails = (details: NonNullable<ErrorInfo['details']>): Record<string, string | number | boolean> =>
  Object.fromEntries(
    Object.entries(details).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined),
  );
