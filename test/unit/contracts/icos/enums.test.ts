import { describe, expect, it } from 'vitest';
import {
  It1JobType,
  JobState,
  JobType,
  jobActionOf,
  jobStateOf,
  jobStatusOf,
  jobTypeOf,
} from '../../../../src/contracts/icos/enums.ts';

describe('job enumerations', () => {
  it('numbers job types from 5 and states from 1', () => {
    expect(JobType).toEqual({ CreateDeployment: 5, DeleteDeployment: 6, UpdateDeployment: 7, ReplaceDeployment: 8 });
    expect(It1JobType).toMatchObject({ CreateDeployment: 5, GetDeployment: 6, DeleteDeployment: 7 });
    expect(JobState).toEqual({ Created: 1, Progressing: 2, Finished: 3, Degraded: 4 });
  });

  it('reads 6 and 7 by the generation they come from', () => {
    expect(jobActionOf(6, 'release')).toBe('delete');
    expect(jobActionOf(6, 'it1')).toBeUndefined();
    expect(jobActionOf(7, 'release')).toBe('update');
    expect(jobActionOf(7, 'it1')).toBe('delete');
    expect(jobTypeOf('delete', 'it1')).toBe(7);
    expect(jobTypeOf('delete', 'release')).toBe(6);
  });

  it.each(['created', 'progressing', 'finished', 'degraded'] as const)('gives %s back after the wire', (status) => {
    expect(jobStatusOf(jobStateOf(status))).toBe(status);
  });

  it('knows no other states', () => {
    expect(jobStatusOf(0)).toBeUndefined();
    expect(jobStatusOf(5)).toBeUndefined();
  });
});
