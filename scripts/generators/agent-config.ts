import { AGENT_SETTINGS } from '../../src/agent/config/settings.ts';
import { settingRows } from '../../src/common/settings.ts';
import type { GeneratedFiles } from '../generate.ts';

/** docs/reference/agent-config.md from the one table of settings. */
export default function agentConfigReference(): GeneratedFiles {
  const rows = settingRows(AGENT_SETTINGS).map(({ flag, variable, fallback, help, aliases }) => {
    const also = aliases.length === 0 ? '' : `; also ${aliases.map((alias) => `\`${alias}\``).join(', ')}`;
    const given = fallback === '' ? '' : fallback.includes(' ') ? fallback : `\`${fallback}\``;
    return `| \`${flag}\` | \`${variable}\` | ${given} | ${`${help}${also}`.replaceAll('|', '\\|')} |`;
  });
  const text = [
    '# Settings of the agent',
    '',
    'Made from `src/agent/config/settings.ts` by `npm run generate`. A flag wins over its environment variable, and that',
    'over the file named by `--config`, whose keys are the names of the flags in camelCase. Unknown flags and keys are',
    'refused. Lists are separated by commas; the paths of `--app-path` and `--data-path` also by colons. Sizes take the',
    'suffixes k, m and g.',
    '',
    '| flag | variable | default | what it is |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  return new Map([['docs/reference/agent-config.md', text]]);
}
