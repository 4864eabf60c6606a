import { RuntimeError } from '../../common/errors.ts';

/** The last row of a page: the next one begins after it. */
export interface Cursor {
  readonly createdAt: number;
  readonly id: string;
}

export interface PageRequest {
  readonly limit: number;
  readonly after: Cursor | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Present when there is more. */
  readonly next: string | undefined;
}

export const DEFAULT_PAGE = 1000;
export const MAX_PAGE = 1000;

export const writeCursor = ({ createdAt, id }: Cursor): string =>
  Buffer.from(`${createdAt} ${id}`).toString('base64url');

export function readCursor(text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,15}) (\S{1,64})$/.exec(Buffer.from(text, 'base64url').toString());
  if (match === null)
    throw new RuntimeError('ERR_REQUEST_INVALID', { field: 'cursor', reason: 'was not given out here' });
  return { createdAt: Number(match[1]), id: match[2]! };
}

/** Cuts the one row too many that was asked for to see whether there is more. */
export function pageOf<T extends Cursor>(rows: readonly T[], limit: number): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? writeCursor(last) : undefined };
}
