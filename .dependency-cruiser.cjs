// The import table of docs/layout.md as a failing check.
const folder = (path) => `^src/${path}`;
const ban = (name, from, to, extra = {}) => ({ name, severity: 'error', from: { path: from, ...extra }, to });

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ban('common-is-a-leaf', folder('common/'), { path: '^src/(?!common/)' }),
    ban('contracts-import-common', folder('contracts/'), { path: '^src/(?!common/|contracts/)' }),
    ban('telemetry-imports-common', folder('telemetry/'), { path: '^src/(?!common/|telemetry/)' }),
    ban('core-is-pure', folder('runtime/(model|graph|scheduler)/|^src/runtime/data/registry\\.ts'), {
      path: '^(?!src/common/|src/runtime/(model|graph|scheduler)/|src/runtime/data/registry\\.ts)',
    }),
    ban('runtime-stays-inside', folder('runtime/'), { path: '^src/(?!common/|telemetry/|runtime/|contracts/)' }),
    ban('only-data-and-executors-use-contracts', folder('runtime/(?!data/|executor/)'), { path: '^src/contracts/' }),
    ban('simulator-uses-the-core', folder('simulator/'), { path: '^src/(?!common/|runtime/|simulator/)' }),
    ban('adaptors-use-ports', folder('offloader/'), {
      path: '^src/(?!common/|contracts/|telemetry/|offloader/|runtime/(ports\\.ts|model/|data/|executor/))',
    }),
    ban(
      'no-sibling-adaptor',
      '^src/offloader/([^/]+)/',
      { path: '^src/offloader/[^/]+/', pathNot: '^src/offloader/$1/' },
      { pathNot: '^src/offloader/(grpc-worker|ssh)/' },
    ),
    ban('workers-share-the-agent-link', folder('offloader/(grpc-worker|ssh)/'), {
      path: '^src/offloader/(?!grpc-agent/|grpc-worker/|ssh/)',
    }),
    ban('agent-stands-below-cli', folder('agent/'), { path: '^src/(controller|cli)/' }),
    ban('controller-never-imports-the-runtime', folder('controller/'), {
      path: '^src/(?!common/|contracts/|telemetry/|controller/)',
    }),
    ban(
      'no-sibling-service',
      '^src/controller/([^/]+)/',
      {
        path: '^src/controller/[^/]+/',
        pathNot: '^src/controller/($1|store|iam|service)/',
      },
      { pathNot: '^src/controller/(store|iam|service)/' },
    ),
    ban('cli-leaves-the-runtime-alone', folder('cli/'), { path: '^src/(runtime|offloader)/' }),
    ban('examples-use-the-public-entry', '^examples/', { path: '^src/(?!index\\.ts)' }),
    ban('nothing-imports-tests', '^(src|examples)/', { path: '^(test|bench)/' }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/gen/|/assembly/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
