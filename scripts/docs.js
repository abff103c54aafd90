// npm run docs: writes the parts of docs/ that repeat what the code says; with --check it only fails
// where they are not what it would write.
import { readFileSync } from 'node:fs'
import { withGenerated, writeGenerated } from './generated.js'
import { importTypeScript } from './import-typescript.js'

const file = 'docs/flags.md'
const { options } = await importTypeScript('src/config/options.ts', 'options')
const text = flagsTable(options)
if (!process.argv.includes('--check')) await writeGenerated(file, 'docs', text)
else if ((await withGenerated(file, 'docs', text)) !== readFileSync(file, 'utf8')) {
  console.error(`${file} is not what npm run docs writes`)
  process.exitCode = 1
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
