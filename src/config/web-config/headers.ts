import { type Static, Type } from 'typebox'
import { usageError } from '../../errors.js'
import type { YamlFile } from '../yaml-file.js'

/** The headers that may be set. */
export const headersSchema = Type.Object(
  {
    'Strict-Transport-Security': Type.Optional(Type.String()),
    'X-Content-Type-Options': Type.Optional(Type.Enum(['nosniff'])),
    'X-Frame-Options': Type.Optional(Type.Enum(['deny', 'sameorigin'])),
    'X-XSS-Protection': Type.Optional(Type.String()),
    'Content-Security-Policy': Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

/**
 * Header values as Go's net/http sends them: line breaks are spaces, outer white space goes, the rest is
 * UTF-8, which Node takes as one character a byte.
 *
 * @throws UserError for control characters, which no client would take
 */
export function readHeaders(
  given: Static<typeof headersSchema>,
  file: Pick<YamlFile, 'valueAt'>,
): Readonly<Record<string, string>> {
  const read = ([name, value]: [string, string]) => {
    const folded = value.replace(/[\r\n]/g, ' ').replace(/^[ \t]+|[ \t]+$/g, '')
    if (/(?!\t)\p{Cc}/u.test(folded)) {
      throw usageError(
        `${file.valueAt(['http_server_config', 'headers', name])}: ${name}: there is a control character in it`,
      )
    }
    return [name, Buffer.from(folded).toString('latin1')]
  }
  return Object.fromEntries(Object.entries(given).map(read)) as Record<string, string>
}
