// npm run docs: writes the parts of docs/ that repeat what the code says; with --check it only fails
// where they are not what it would write.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { withGenerated, writeGenerated } from './generated.js'
import { root } from './root.js'

const file = 'docs/flags.md'
const text = flagsTable(await optionCatalogue())
if (!process.argv.includes('--check')) await writeGenerated(file, 'docs', text)
else if ((await withGenerated(file, 'docs', text)) !== readFileSync(file, 'utf8')) {
  console.error(`${file} is not what npm run docs writes`)
  process.exitCode = 1
}

async function optionCatalogue() {
  const outfile = join(root, 'build/options.mjs')
  await build({
    entryPoints: ['src/config/options.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
  })
  return (await import(outfile)).options
}

function flagsTable(options) {
  const rows = Object.entries(options).map(([name, option]) => {
    const flag = `--${name}${option.value ? ` ${option.value.toUpperCase()}` : ''}`
    const choices = option.choices && !option.toggle ? ` (${option.choices.join(', ')})` : ''
    const initial = option.shownDefault ?? String(option.default)
    return [`\`${flag}\``, `${option.help}${choices}`, option.toggle ? 'off' : initial]
  })
  const others = [
    ['`--config.file PATH`', 'YAML file with these options', 'none'],
    ['`--config.check`', 'validate the settings and exit', ''],
    ['`--version`, `--help`', '', ''],
  ]
  return [['flag', 'meaning', 'default'], ['---', '---', '---'], ...rows, ...others]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}
