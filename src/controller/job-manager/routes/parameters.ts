import { z } from 'zod';
import { uuid } from '../../../contracts/icos/go-json.ts';
import { DEFAULT_PAGE, MAX_PAGE, type PageRequest, readCursor } from '../page.ts';

export const groupParams = z.object({ group_uuid: uuid });
export const jobParams = z.object({ job_uuid: uuid });

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE).describe('At most so many.'),
  cursor: z.string().max(200).optional().describe('From the `link` header of the page before.'),
};

export const pageRequestOf = (query: {
  readonly limit: number;
  readonly cursor?: string | undefined;
}): PageRequest => ({
  limit: query.limit,
  after: readCursor(query.cursor),
});

/** RFC 8288: where the next page is. The body stays the plain array that all clients know. */
export function linkTo(url: string, cursor: string): string {
  const [path = '', query = ''] = url.split('?');
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', cursor);
  return `<${path}?${parameters.toString()}>; rel="next"`;
}

export const flag = z
  .enum(['true', 'false', ''])
  .default('false')
  .transform((value) => value !== 'false');
