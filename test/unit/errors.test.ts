import { describe, expect, it } from 'vitest';
import { ERRORS, isRuntimeCode, RuntimeError, toErrorInfo } from '../../src/common/errors.ts';

describe('RuntimeError', () => {
  it('fills its message from the details and keeps code and status of the table', () => {
    const error = new RuntimeError('ERR_RESOURCE_UNKNOWN', { name: 'n1', known: 'n2, n3' });
    expect(error.message).toBe('Resource n1 is not known to this agent. Known: n2, n3');
    expect(error.code).toBe('ERR_RESOURCE_UNKNOWN');
    expect(error.status).toBe(ERRORS.ERR_RESOURCE_UNKNOWN.status);
  });

  it('becomes data with its cause and back-references to nothing', () => {
    const error = new RuntimeError('ERR_TASK_FAILED', { task: 't1' }, { cause: new TypeError('no') });
    const info = structuredClone(toErrorInfo(error));
    expect(info.code).toBe('ERR_TASK_FAILED');
    expect(info.cause).toMatchObject({ code: 'ERR_INTERNAL', name: 'TypeError', message: 'no' });
  });

  it('tells the codes of the runtime from those of programs', () => {
    expect(['ERR_TASK_FAILED', 'ERR_INPUT_FILE_MISSING', 'ENOENT'].map(isRuntimeCode)).toEqual([true, false, false]);
  });

  it('takes anything that was thrown', () => {
    expect(toErrorInfo('text', 'ERR_TASK_FAILED')).toEqual({ code: 'ERR_TASK_FAILED', message: 'text' });
  });
});
