import type { Migration } from '../migration.ts';
import { lighthouse } from './0001-lighthouse.ts';
import { jobs } from './0002-jobs.ts';
import { promises } from './0003-promises.ts';
import { audit } from './0004-audit.ts';

/** All steps; they run in the order of their names. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-lighthouse': lighthouse,
  '0002-jobs': jobs,
  '0003-promises': promises,
  '0004-audit': audit,
};
