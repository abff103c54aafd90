import { dirname } from 'node:path'
import { Ajv, type ErrorObject } from 'ajv'
import { type Static, Type } from 'typebox'
import { usageError } from '../../errors.js'
import { pathOf, readYamlFile, type YamlFile } from '../yaml-file.js'
import { goDialect } from './go-yaml.js'
import { headersSchema, readHeaders } from './headers.js'
import { type RateLimit, rateLimitSchema, readRateLimit } from './rate-limit.js'
import { readTls, type TlsConfig, tlsSchema } from './tls.js'
import { readUsers, usersSchema } from './users.js'

/** What a web configuration file says. */
export interface WebConfig {
  /** Absent: plain HTTP. */
  readonly tls?: TlsConfig
  readonly http2: boolean
  /** To be on every answer. */
  readonly headers: Readonly<Record<string, string>>
  /** bcrypt hashes by user; none: everybody is let in. */
  readonly users: ReadonlyMap<string, string>
  readonly rateLimit?: RateLimit
}

const types = {
  booleans: ['http2', 'prefer_server_cipher_suites'],
  integers: ['burst', 'interval'],
  maps: ['headers', 'basic_auth_users'],
}

const schema = Type.Object(
  {
    tls_server_config: Type.Optional(tlsSchema),
    http_server_config: Type.Optional(
      Type.Object(
        { http2: Type.Optional(Type.Boolean()), headers: Type.Optional(headersSchema) },
        { additionalProperties: false },
      ),
    ),
    basic_auth_users: Type.Optional(usersSchema),
    rate_limit: Type.Optional(rateLimitSchema),
  },
  { additionalProperties: false },
)
const validate = new Ajv({ allowUnionTypes: true }).compile<Static<typeof schema>>(schema)

/**
 * Reads a web configuration file, in the format of the Prometheus exporter-toolkit and as strict as it
 * (docs/web-configuration.md there). The files that it names are not looked at.
 *
 * @throws UserError with line and column of the first thing that is wrong
 */
export function readWebConfig(path: string): WebConfig {
  const file = readYamlFile(path, '--web.config.file', goDialect(types))
  const { content } = file
  if (!validate(content)) {
    const [first] = validate.errors ?? []
    throw usageError(first ? explain(first, file) : `${path}: not a web configuration`)
  }
  const http2 = content.http_server_config?.http2 ?? true
  const tls = readTls(content.tls_server_config ?? {}, http2, dirname(path), file)
  const rateLimit = readRateLimit(content.rate_limit ?? {}, file)
  return {
    ...(tls && { tls }),
    ...(rateLimit && { rateLimit }),
    http2: http2 && tls !== undefined,
    headers: readHeaders(content.http_server_config?.headers ?? {}, file),
    users: readUsers(content.basic_auth_users ?? {}, file),
  }
}

function explain(error: ErrorObject, file: YamlFile): string {
  const path = pathOf(error)
  if (error.keyword === 'additionalProperties') {
    const { additionalProperty: name } = error.params as { additionalProperty: string }
    return `${file.keyAt([...path, name])}: there is no key '${name}' here`
  }
  const where = file.valueAt(path)
  const name = path.at(-1) ?? 'the file'
  if (error.keyword === 'enum') {
    const { allowedValues } = error.params as { allowedValues: string[] }
    return `${where}: ${name}: write one of ${allowedValues.filter(Boolean).join(', ')}`
  }
  return `${where}: ${name} ${error.message ?? 'is wrong'}`
}
