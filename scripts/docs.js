// npm run docs: writes the parts of docs/ that repeat what the code says; with --check it only fails
// where they are not what it would write.
import { readFileSync, writeFileSync } from 'node:fs'
import { formatted, withGenerated } from './generated.js'
import { importTypeScript } from './import-typescript.js'

const { options } = await importTypeScript('src/config/options.ts', 'options')
const { fields } = await importTypeScript('src/destinations/fields.ts', 'fields')
const check = process.argv.includes('--check')

await write('docs/flags.md', (file) => withGenerated(file, 'docs', flagsTable(options)))
await write('docs/api.schema.json', apiSchema)

async function write(file, generate) {
  const text = await generate(file)
  if (!check) writeFileSync(file, text)
  else if (text !== readFileSync(file, 'utf8')) {
    console.error(`${file} is not what npm run docs writes`)
    process.exitCode = 1
  }
}

/** The fields of a destination come from the catalogue, reasons from the kernel program; the rest is by hand. */
function apiSchema(file) {
  const schema = JSON.parse(readFileSync(file, 'utf8'))
  const reasons = readFileSync('bpf/egress.h', 'utf8').matchAll(/\(EGRESS_\w+, "(\w+)"\)/g)
  schema.$defs.interface.properties.unlisted.propertyNames.enum = [...reasons].map(([, label]) => label)
  const listed = Object.entries(fields).filter(([, { live }]) => live)
  schema.$defs.destination = {
    type: 'object',
    additionalProperties: false,
    required: listed.map(([name]) => name),
    properties: Object.fromEntries(listed.map(([name, field]) => [name, field.schema])),
  }
  return formatted(file, JSON.stringify(schema))
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
