import { Ajv, type ErrorObject } from 'ajv'
import { sortKeys } from './fields.js'
import { type ListQuery, QueryError } from './list.js'

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    sort: {
      enum: sortKeys.flatMap((key) => [key, `-${key}`]),
      default: '-bytes_per_second',
    },
    search: { type: 'string', maxLength: 100 },
    interface: { type: 'string', maxLength: 15 },
    status: { enum: ['', 'new'] },
    protocol: { type: 'string', maxLength: 10 },
    service: { type: 'string', maxLength: 512 },
    by: { enum: ['', 'destination', 'service'] },
    port: { type: 'integer', minimum: 0, maximum: 65535 },
    limit: { type: 'integer', minimum: 0, maximum: 1000, default: 50 },
    offset: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1, default: 0 },
  },
}
const validate = new Ajv({ coerceTypes: true, useDefaults: true }).compile<ListQuery>(schema)

/**
 * Reads the query of a URL; what is absent gets its default.
 *
 * @throws QueryError for the first thing that is wrong
 */
export function readListQuery(parameters: unknown): ListQuery {
  const query = { ...(parameters as Record<string, unknown>) }
  if (validate(query)) return query
  const [first] = validate.errors ?? []
  throw new QueryError(first ? explain(first) : 'the query is wrong')
}

function explain({ instancePath, params, message = 'is wrong' }: ErrorObject): string {
  const { additionalProperty, allowedValues } = params as {
    additionalProperty?: string
    allowedValues?: string[]
  }
  if (additionalProperty !== undefined) {
    return `there is no parameter '${additionalProperty}': there are ${Object.keys(schema.properties).join(', ')}`
  }
  const choices = allowedValues ? `: ${allowedValues.filter(Boolean).join(', ')}` : ''
  return `${instancePath.slice(1)} ${message}${choices}`
}
