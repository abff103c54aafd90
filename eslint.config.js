import eslint from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import typescript from 'typescript-eslint'

export default defineConfig(
  globalIgnores(['build/', 'dist/', '.tap/']),
  eslint.configs.recommended,
  { files: ['{src,test,scripts,bench,dashboards}/**'], rules: { 'max-lines': ['error', 300] } },
  {
    files: ['**/*.ts'],
    extends: [typescript.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: 'test/tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] } })],
    },
    rules: {
      'import-x/no-cycle': 'error',
      // Numbers in messages are what messages are for.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/kernel/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['**/kernel/native/*'], message: 'Only src/kernel/ knows the addon.' }] },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    extends: [typescript.configs.disableTypeChecked],
  },
  {
    files: ['**/*.js'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
      },
    },
  },
)
