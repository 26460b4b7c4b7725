/* Who may import whom: docs/architecture.md 2. */
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'contract-stands-alone',
      comment: 'The contract imports zod and itself only.',
      severity: 'error',
      from: { path: '^main/contract' },
      to: { pathNot: ['^main/contract', '^node_modules/zod', '^assets/engine-parameters\\.json$'] },
    },
    {
      name: 'domain-through-its-door',
      comment: 'A domain reaches another domain through its index.ts only, and never a host.',
      severity: 'error',
      from: { path: '^main/(?!hosts|contract)([^/]+)/' },
      to: { path: '^main/(?!contract)([^/]+)/', pathNot: ['^main/$1/', '^main/(?!hosts)[^/]+/index\\.ts$'] },
    },
    {
      name: 'hosts-enter-domains-by-the-door',
      comment: 'Hosts use a domain through its index.ts (or a process entry they start).',
      severity: 'error',
      from: { path: '^main/hosts/' },
      to: { path: '^main/(?!contract|hosts)[^/]+/', pathNot: ['^main/[^/]+/index\\.ts$'] },
    },
    {
      name: 'no-electron-outside-its-host',
      severity: 'error',
      from: { pathNot: '^(main/hosts/electron|test)/' },
      to: { path: '(^|/)node_modules/electron(/|$)|^electron$' },
    },
    {
      name: 'electron-host-is-thin',
      comment: 'No domain, no native module, no renderer in the shell.',
      severity: 'error',
      from: { path: '^main/hosts/electron' },
      to: { path: '^(main/(?!contract|hosts/electron)|renderer/|native/)|better-sqlite3' },
    },
    { name: 'main-without-renderer', severity: 'error', from: { path: '^main/' }, to: { path: '^renderer/' } },
    {
      name: 'renderer-sees-the-contract-only',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^(main/(?!contract)|native/|scripts/)' },
    },
    {
      name: 'renderer-without-node',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'gl-without-react',
      severity: 'error',
      from: { path: '^renderer/gl/' },
      to: { path: 'node_modules/react' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: [
          '\\.d\\.ts$',
          '(^|/)(index|main)\\.(ts|tsx)$',
          '\\.config\\.ts$',
          '-process\\.ts$',
          '-worker\\.ts$',
          '^scripts/',
          '^test/',
          '\\.cjs$',
        ],
      },
      to: {},
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(native/target|out|dist|test-output)' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
