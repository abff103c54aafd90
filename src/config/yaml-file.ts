import { readFileSync } from 'node:fs'
import type { ErrorObject } from 'ajv'
import {
  type Document,
  type DocumentOptions,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
  type SchemaOptions,
} from 'yaml'
import { usageError } from '../errors.js'
import type { Joined } from './prefix-lines.js'

/** A YAML file whose keys and values can be found again in it. */
export interface YamlFile {
  /** An empty file is an empty map. */
  readonly content: unknown
  /** `FILE:LINE:COLUMN` of a key, by the keys that lead to it. */
  keyAt(path: readonly string[]): string
  /** `FILE:LINE:COLUMN` of a value. */
  valueAt(path: readonly string[]): string
}

/** How plain words are read, where YAML 1.2 is not meant. */
export interface Dialect {
  readonly options?: DocumentOptions & SchemaOptions
  /** Makes fewer lines of the text before it is read. */
  readonly join?: (text: string) => Joined
  /** Changes what the parser has read. */
  readonly convert?: (document: Document) => void
}

/**
 * Reads a YAML file.
 *
 * @param flag what named the file, as the beginning of a complaint
 * @throws UserError if it cannot be read, or with line and column of what is no YAML
 */
export function readYamlFile(path: string, flag: string, { options, join, convert }: Dialect = {}): YamlFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw usageError(`${flag}: cannot read ${path}: ${(error as NodeJS.ErrnoException).code ?? ''}`)
  }
  const joined = join?.(text)
  const lines = new LineCounter()
  const document = parseDocument(joined?.text ?? text, { ...options, lineCounter: lines })
  const at = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0)
    return `${path}:${joined?.lineBefore(line) ?? line}:${col}`
  }
  const [broken] = document.errors
  if (broken) {
    throw usageError(`${at(broken.pos[0])}: ${broken.message.split('\n')[0]?.replace(/ at line .*/, '')}`)
  }
  convert?.(document)
  return {
    content: document.toJS() ?? {},
    keyAt: (keys) => {
      const parent = keys.length > 1 ? document.getIn(keys.slice(0, -1), true) : document.contents
      const key = isMap(parent)
        ? parent.items.map(({ key }) => key).find((key) => isScalar(key) && key.value === keys.at(-1))
        : undefined
      return at(isScalar(key) ? key.range?.[0] : undefined)
    },
    valueAt: (keys) => {
      const node = document.getIn(keys, true)
      return at(isNode(node) ? node.range?.[0] : undefined)
    },
  }
}

/** The keys that lead to what a schema's error is about. Its pointers (RFC 6901) escape two characters. */
export const pathOf = (error: ErrorObject): string[] =>
  error.instancePath
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
