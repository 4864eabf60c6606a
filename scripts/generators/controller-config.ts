import { settingRows } from '../../src/common/settings.ts';
import { CONTROLLER_SETTINGS } from '../../src/controller/settings.ts';
import type { GeneratedFiles } from '../generate.ts';

/** docs/reference/controller-config.md from the one table of settings. */
export default function controllerConfigReference(): GeneratedFiles {
  const rows = settingRows(CONTROLLER_SETTINGS).map(({ flag, variable, fallback, help, aliases }) => {
    const also = aliases.length === 0 ? '' : `; also ${aliases.map((alias) => `\`${alias}\``).join(', ')}`;
    const given = fallback === '' ? '' : fallback.includes(' ') ? fallback : `\`${fallback}\``;
    return `| \`${flag}\` | \`${variable}\` | ${given} | ${`${help}${also}`.replaceAll('|', '\\|')} |`;
  });
  const text = [
    '# Settings of the controller tier',
    '',
    'Of `metakernel controller` and `metakernel join`. Made from `src/controller/settings.ts` by `npm run generate`. A flag wins',
    'over its environment variable, and that over the file named by `--config`, whose keys are the names of the flags in',
    'camelCase. Unknown flags and keys are refused. Lists are separated by commas.',
    '',
    '| flag | variable | default | what it is |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  return new Map([['docs/reference/controller-config.md', text]]);
}
