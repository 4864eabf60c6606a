import { ERRORS } from '../../src/common/errors.ts';

/** docs/reference/errors.md from the one table. */
export default function errorsReference(): Map<string, string> {
  const rows = Object.entries(ERRORS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([code, entry]) =>
        `| \`${code}\` | ${entry.status} | ${entry.retryable ? 'yes' : 'no'} | ${entry.message.replaceAll('|', '\\|')} |`,
    );
  const text = [
    '# Error codes',
    '',
    'Made from `src/common/errors.ts` by `npm run generate`. Words in braces are filled from `details`.',
    '"Retry" says whether the same request may succeed later without a change.',
    '',
    '| code | HTTP status | retry | message |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  return new Map([['docs/reference/errors.md', text]]);
}
