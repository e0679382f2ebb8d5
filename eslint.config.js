import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'coverage/', 'outputs/', 'node_modules/', 'benchmarks/node_modules/'] },
  {
    files: ['src/**/*.ts', 'tests/**/*.ts', 'benchmarks/**/*.ts', '*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: ['./tsconfig.json', './tests/tsconfig.json'] } },
    rules: {
      // Numbers read well inside messages; everything else must be turned into text on purpose.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `!` after an index that a line above has just bounded says more than a cast or a dead branch would.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `() => f()` is how a callback is handed on; braces would say nothing more.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-console': 'error',
    },
  },
  { files: ['tests/**/*.ts', 'benchmarks/**/*.ts'], rules: { 'no-console': 'off' } },
);
