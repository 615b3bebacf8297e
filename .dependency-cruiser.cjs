// Imports run one way, so that the way of a tap can be read from the folder names (README, "How to develop it").
const test = '\\.(test|suite)\\.ts$';
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: `^${from}/`, pathNot: test },
  to: { path: '^(ingest|workers|analytics|dashboards|loadtest)/', pathNot: [`^${from}/`, ...allowed] },
});

module.exports = {
  forbidden: [
    only('workers-import-no-sibling', 'workers', []),
    only('analytics-import-the-journal-only', 'analytics', ['^workers/journal/', '^workers/errors\\.ts$']),
    only('ingest-imports-what-it-composes', 'ingest', ['^analytics/', '^workers/', '^dashboards/server/']),
    {
      name: 'dashboards-are-composed-in-one-place',
      severity: 'error',
      from: { path: '^ingest/', pathNot: ['^ingest/dashboards/', test] },
      to: { path: '^dashboards/' },
    },
    only('protocol-imports-the-codes-only', 'ingest/protocol', [
      '^workers/ledger/(codes|kinds)\\.ts$',
      '^workers/errors\\.ts$',
    ]),
    only('loadtest-imports-the-protocol-only', 'loadtest', ['^ingest/protocol/', '^analytics/']),
    {
      name: 'of-loadtest-one-bench-imports-what-it-times',
      severity: 'error',
      from: { path: '^loadtest/', pathNot: ['^loadtest/bench/answers/', test] },
      to: { path: '^analytics/' },
    },
    only('dashboards-import-analytics-only', 'dashboards/server', ['^analytics/', '^workers/errors\\.ts$']),
    {
      name: 'the-ledger-is-pure',
      severity: 'error',
      from: { path: '^workers/ledger/', pathNot: test },
      to: { dependencyTypes: ['core', 'npm'] },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'sources-import-no-tests', severity: 'error', from: { pathNot: test }, to: { path: test } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(node_modules|data)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'require', 'default', 'types'],
    },
  },
};
