import { RuntimeError } from '../../common/errors.ts';

type UserFunction = (...args: unknown[]) => unknown;

/** Functions that `task()` has made callable in this thread, by signature and by the callable that stands for them. */
const bySignature = new Map<string, UserFunction>();
const byCallable = new WeakMap<object, UserFunction>();

export function declareFunction(signature: string, callable: object, fn: UserFunction): void {
  const known = bySignature.get(signature);
  if (known !== undefined && known !== fn) throw new RuntimeError('ERR_TASK_NAME_CONFLICT', { signature });
  bySignature.set(signature, fn);
  byCallable.set(callable, fn);
}

export const declaredFunction = (signature: string): UserFunction | undefined => bySignature.get(signature);

/** The user's own function behind a declared task; undefined for anything else. */
export const taskFunction = (callable: object): UserFunction | undefined => byCallable.get(callable);
