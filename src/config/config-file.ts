import { readFileSync } from 'node:fs'
import { Ajv, type ErrorObject } from 'ajv'
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import { usageError } from '../errors.js'
import { definition, type OptionName, optionNames, type Values } from './options.js'

/** What a configuration file says. */
export interface ConfigFile {
  readonly values: Partial<Values>
  /** The beginning of a complaint about a value: where it is, and its name. */
  readonly origin: (name: OptionName) => string
}

/** Numbers and truth values may be written as such. */
const word = { type: ['string', 'number', 'boolean'] }

/** The options by their names; a list may be one value. */
const schema = {
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries<object>(
    optionNames.map((name) => {
      const { list, choices, toggle } = definition(name)
      if (toggle) return [name, { type: 'boolean' }]
      if (choices) return [name, { enum: choices }]
      return [name, list ? { anyOf: [word, { type: 'array', items: word }] } : word]
    }),
  ),
}
const validate = new Ajv({ allowUnionTypes: true }).compile(schema)

/**
 * Reads a configuration file: YAML, the flags' names without their dashes as keys.
 *
 * @throws UserError with line and column for the first thing that is wrong
 */
export function readConfigFile(path: string): ConfigFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw usageError(`--config.file: cannot read ${path}: ${(error as NodeJS.ErrnoException).code ?? ''}`)
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const at = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0)
    return `${path}:${line}:${col}`
  }
  const [broken] = document.errors
  if (broken)
    throw usageError(`${at(broken.pos[0])}: ${broken.message.split('\n')[0]?.replace(/ at line .*/, '')}`)

  const content = (document.toJS() ?? {}) as Record<string, unknown>
  if (!validate(content)) {
    const [first] = validate.errors ?? []
    if (first) throw usageError(explain(first, document, at))
  }
  return {
    values: Object.fromEntries(
      Object.entries(content).map(([name, value]) => [
        name,
        definition(name as OptionName).list ? [value].flat().map(String) : String(value),
      ]),
    ),
    origin: (name) => `${at(keyOffset(document, name))}: ${name}`,
  }
}

function explain(error: ErrorObject, document: Document, at: (offset?: number) => string): string {
  if (error.keyword === 'additionalProperties') {
    const { additionalProperty: name } = error.params as { additionalProperty: string }
    return `${at(keyOffset(document, name))}: there is no option '${name}'${suggestion(name)}`
  }
  // JSON pointers (RFC 6901); no option's name has the characters that they escape.
  const path = error.instancePath.split('/').slice(1)
  const [name] = path
  if (name === undefined) return `${at(0)}: it must hold options, such as destinations.limit: 65536`
  const node = document.getIn(path, true)
  const where = at(isNode(node) ? node.range?.[0] : keyOffset(document, name))
  if (error.keyword === 'enum') {
    const { allowedValues } = error.params as { allowedValues: string[] }
    return `${where}: ${name}: write one of ${allowedValues.join(', ')}`
  }
  const { list, toggle } = definition(name as OptionName)
  if (toggle) return `${where}: ${name}: write true or false`
  return `${where}: ${name}: write ${list ? 'a value or a list of values' : 'one value'}`
}

function keyOffset(document: Document, name: string): number | undefined {
  if (!isMap(document.contents)) return undefined
  const key = document.contents.items.map(({ key }) => key).find((key) => isScalar(key) && key.value === name)
  return isScalar(key) ? key.range?.[0] : undefined
}

/** For the flag's dashes, and for the nested form that other programs have. */
function suggestion(name: string): string {
  const bare = name.replace(/^--/, '')
  if ((optionNames as string[]).includes(bare)) return `: write ${bare}`
  const below = optionNames.filter((option) => option.startsWith(`${bare}.`))
  return below.length > 0 ? `: write ${below.slice(0, 3).join(', ')} …, in one word` : ''
}
