import { type Document, isScalar, type Scalar, visit } from 'yaml'
import type { Dialect } from '../yaml-file.js'

/** Words of YAML 1.1, as yaml.v2 has them (resolve.go). */
const nulls = new Set(['', '~', 'null', 'Null', 'NULL'])
const yes = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'])
const no = new Set(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'])

/** What the keys of a file hold, by name; all else is text. */
export interface Types {
  readonly booleans: readonly string[]
  readonly integers: readonly string[]
  /** Maps whose keys are the user's own: null is an empty text there, and elsewhere as good as nothing. */
  readonly maps: readonly string[]
}

/**
 * Reads scalars as Go's yaml.v2 does, which Prometheus and its exporters use: by the type that is wanted.
 * `no` is a boolean where one is wanted and else a word, `0` may be a text, and null is Go's zero value.
 */
export function goDialect(types: Types): Dialect {
  return { options: { schema: 'failsafe', merge: true }, convert: (document) => convert(document, types) }
}

function convert(document: Document, { booleans, integers, maps }: Types): void {
  visit(document, {
    Scalar(key, node, path) {
      if (key === 'key') return
      const pair = path.at(-1)
      const name = pair && 'key' in pair && isScalar(pair.key) ? String(pair.key.value) : ''
      node.value = valueOf(node as Scalar<string>, booleans.includes(name), integers.includes(name))
    },
  })
  // Afterwards: what is taken away would shift what is visited.
  visit(document, {
    Map(_key, map, path) {
      const pair = path.at(-1)
      const isUsers = pair && 'key' in pair && isScalar(pair.key) && maps.includes(String(pair.key.value))
      for (const item of [...map.items]) {
        if (!isScalar(item.value) || item.value.value !== null) continue
        if (isUsers) item.value.value = ''
        else map.items.splice(map.items.indexOf(item), 1)
      }
    },
  })
}

function valueOf({ type, value }: Scalar<string>, isBoolean: boolean, isInteger: boolean): unknown {
  if (type !== 'PLAIN') return value
  if (isBoolean) return no.has(value) || nulls.has(value) ? false : yes.has(value) || value
  if (nulls.has(value)) return null
  return isInteger && /^-?(0|[1-9]\d{0,15})$/.test(value) ? Number(value) : value
}
