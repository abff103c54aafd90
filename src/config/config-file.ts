import { Ajv, type ErrorObject } from 'ajv'
import { usageError } from '../errors.js'
import { definition, type OptionName, optionNames, type Values } from './options.js'
import { joinPrefixLines } from './prefix-lines.js'
import { pathOf, readYamlFile, type YamlFile } from './yaml-file.js'

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
  const file = readYamlFile(path, '--config.file', { join: joinPrefixLines })
  const content = file.content as Record<string, unknown>
  if (!validate(content)) {
    const [first] = validate.errors ?? []
    if (first) throw usageError(explain(first, file))
  }
  return {
    values: Object.fromEntries(
      Object.entries(content).map(([name, value]) => [
        name,
        definition(name as OptionName).list ? [value].flat().map(String) : String(value),
      ]),
    ),
    origin: (name) => `${file.keyAt([name])}: ${name}`,
  }
}

function explain(error: ErrorObject, file: YamlFile): string {
  if (error.keyword === 'additionalProperties') {
    const { additionalProperty: name } = error.params as { additionalProperty: string }
    return `${file.keyAt([name])}: there is no option '${name}'${suggestion(name)}`
  }
  const path = pathOf(error)
  const [name] = path
  if (name === undefined)
    return `${file.valueAt([])}: it must hold options, such as destinations.limit: 65536`
  const where = file.valueAt(path)
  if (error.keyword === 'enum') {
    const { allowedValues } = error.params as { allowedValues: string[] }
    return `${where}: ${name}: write one of ${allowedValues.join(', ')}`
  }
  const { list, toggle } = definition(name as OptionName)
  if (toggle) return `${where}: ${name}: write true or false`
  return `${where}: ${name}: write ${list ? 'a value or a list of values' : 'one value'}`
}

/** For the flag's dashes, and for the nested form that other programs have. */
function suggestion(name: string): string {
  const bare = name.replace(/^--/, '')
  if ((optionNames as string[]).includes(bare)) return `: write ${bare}`
  const below = optionNames.filter((option) => option.startsWith(`${bare}.`))
  return below.length > 0 ? `: write ${below.slice(0, 3).join(', ')} …, in one word` : ''
}
