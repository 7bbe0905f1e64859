// The rules of the code that a program can check: no hidden time or chance, strict types, small files.
import tseslint from 'typescript-eslint'

const TIME = 'Time goes through Clock of src/clock.ts.'
const CHANCE = 'Chance goes through Random of src/clock.ts.'

const noHiddenTimeOrChance = {
  'no-restricted-globals': ['error', ...['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({ name, message: TIME }))],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: TIME },
    { object: 'Math', property: 'random', message: CHANCE },
    ...['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues'].map((property) => ({ object: 'crypto', property, message: CHANCE })),
    ...['setTimeout', 'setInterval', 'setImmediate'].map((property) => ({ object: 'globalThis', property, message: TIME })),
  ],
  'no-restricted-imports': [
    'error',
    {
      paths: [
        { name: 'node:crypto', importNames: ['randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync'], message: CHANCE },
        { name: 'node:timers', message: TIME },
        { name: 'node:timers/promises', message: TIME },
      ],
    },
  ],
}

const dateWithoutArgument = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: TIME },
  { selector: "CallExpression[callee.name='Date']", message: TIME },
]
const noEnum = { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' }
const noDefaultExport = { selector: 'ExportDefaultDeclaration', message: 'Default exports are for folders that are loaded.' }

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', '.build/', '.tap/', '.orrery/', 'schemas/types.ts', 'schemas/data/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...noHiddenTimeOrChance,
      'no-restricted-syntax': ['error', noEnum, noDefaultExport, ...dateWithoutArgument],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      'max-lines': ['error', 600],
      'no-fallthrough': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
    },
  },
  {
    // Every file of these folders is loaded by being there, through its default export.
    files: ['api/**/*.ts', 'controllers/**/*.ts', 'src/scheduler/plugins/**/*.ts', 'src/cli/commands/**/*.ts', 'src/kubelet/sandbox/tools/**/*.ts', 'test/conformance/cases/*.ts', 'test/behaviour/cases/*.ts', 'types.d.ts'],
    rules: { 'no-restricted-syntax': ['error', noEnum, ...dateWithoutArgument] },
  },
  {
    // The clock itself, and the process that hands out its time.
    files: ['src/clock.ts', 'src/cli/main.ts'],
    rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off', 'no-restricted-imports': 'off', 'no-restricted-syntax': ['error', noEnum, noDefaultExport] },
  },
  {
    // tap's t.test answers a promise that nobody has to await.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
  {
    files: ['**/*.{js,mjs}'],
    rules: { 'max-lines': ['error', 600], 'no-var': 'error', 'prefer-const': 'error', eqeqeq: 'error' },
  },
)
