import { dirname, resolve } from 'node:path'
import { Ajv, type ErrorObject } from 'ajv'
import { usageError } from '../errors.js'
import { readUsers } from './bcrypt-hash.js'
import { goDialect } from './go-yaml.js'
import { type RateLimit, readRateLimit } from './rate-limit.js'
import { pathOf, readYamlFile, type YamlFile } from './yaml-file.js'

/** PEM text, or the file that holds it. */
export type PemSource = { readonly pem: string } | { readonly file: string }

/** Whether a client has to show a certificate, as crypto/tls of Go names it. */
const clientAuthTypes = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const
export type ClientAuthType = (typeof clientAuthTypes)[number]

/** TLS versions as the file names them, and as Node does. */
const versions = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const
export type TlsVersion = (typeof versions)[keyof typeof versions]

/** The cipher suites that Go calls secure, and what OpenSSL calls them; those of TLS 1.3 are always on. */
const cipherSuites: Readonly<Record<string, string>> = {
  TLS_AES_128_GCM_SHA256: '',
  TLS_AES_256_GCM_SHA384: '',
  TLS_CHACHA20_POLY1305_SHA256: '',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
}
/** RFC 9113, section 9.2.2, wants one of these where TLS 1.2 is spoken. */
const http2Suites = ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256']

const curves: Readonly<Record<string, string>> = {
  CurveP256: 'P-256',
  CurveP384: 'P-384',
  CurveP521: 'P-521',
  X25519: 'X25519',
}

/** The headers that may be set; null: any value. */
const headerValues = {
  'Strict-Transport-Security': null,
  'X-Content-Type-Options': ['nosniff'],
  'X-Frame-Options': ['deny', 'sameorigin'],
  'X-XSS-Protection': null,
  'Content-Security-Policy': null,
} as const

export interface TlsConfig {
  readonly cert: PemSource
  readonly key: PemSource
  readonly clientCa?: PemSource
  readonly clientAuth: ClientAuthType
  /** Empty: any. Else a client certificate needs one of them. */
  readonly clientAllowedSans: readonly string[]
  readonly minVersion: TlsVersion
  readonly maxVersion: TlsVersion
  /** OpenSSL's names of those below TLS 1.3; absent: the usual. */
  readonly ciphers?: readonly string[]
  /** OpenSSL's names; absent: the usual. */
  readonly curves?: readonly string[]
  readonly preferServerCiphers: boolean
}

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
const text = { type: 'string' }
const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    tls_server_config: {
      type: 'object',
      additionalProperties: false,
      properties: {
        cert: text,
        cert_file: text,
        key: text,
        key_file: text,
        client_ca: text,
        client_ca_file: text,
        client_auth_type: { enum: ['', ...clientAuthTypes, 'RequireClientCert'] },
        client_allowed_sans: { type: 'array', items: text },
        min_version: { enum: Object.keys(versions) },
        max_version: { enum: Object.keys(versions) },
        cipher_suites: { type: 'array', items: { enum: Object.keys(cipherSuites) } },
        curve_preferences: { type: 'array', items: { enum: Object.keys(curves) } },
        prefer_server_cipher_suites: { type: 'boolean' },
      },
    },
    http_server_config: {
      type: 'object',
      additionalProperties: false,
      properties: {
        http2: { type: 'boolean' },
        headers: {
          type: 'object',
          additionalProperties: false,
          properties: Object.fromEntries<object>(
            Object.entries(headerValues).map(([name, values]) => [name, values ? { enum: values } : text]),
          ),
        },
      },
    },
    basic_auth_users: { type: 'object', additionalProperties: text },
    rate_limit: {
      type: 'object',
      additionalProperties: false,
      properties: {
        interval: { type: ['string', 'integer'], minimum: 0 },
        burst: { type: 'integer', minimum: 0 },
      },
    },
  },
}
const validate = new Ajv({ allowUnionTypes: true }).compile(schema)

/** What the schema lets through. */
interface Content {
  readonly tls_server_config?: Readonly<{
    cert?: string
    cert_file?: string
    key?: string
    key_file?: string
    client_ca?: string
    client_ca_file?: string
    client_auth_type?: string
    client_allowed_sans?: string[]
    min_version?: keyof typeof versions
    max_version?: keyof typeof versions
    cipher_suites?: string[]
    curve_preferences?: string[]
    prefer_server_cipher_suites?: boolean
  }>
  readonly http_server_config?: Readonly<{ http2?: boolean; headers?: Record<string, string> }>
  readonly basic_auth_users?: Readonly<Record<string, string>>
  readonly rate_limit?: Readonly<{ interval?: string | number; burst?: number }>
}

/**
 * Reads a web configuration file, in the format of the Prometheus exporter-toolkit and as strict as it
 * (docs/web-configuration.md there). The files that it names are not looked at.
 *
 * @throws UserError with line and column of the first thing that is wrong
 */
export function readWebConfig(path: string): WebConfig {
  const file = readYamlFile(path, '--web.config.file', goDialect(types))
  if (!validate(file.content)) {
    const [first] = validate.errors ?? []
    throw usageError(first ? explain(first, file) : `${path}: not a web configuration`)
  }
  const content = file.content as Content
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

function readTls(
  given: NonNullable<Content['tls_server_config']>,
  http2: boolean,
  folder: string,
  file: YamlFile,
): TlsConfig | undefined {
  if (Object.keys(given).length === 0) return undefined
  const complain = (message: string) =>
    usageError(`${file.keyAt(['tls_server_config'])}: tls_server_config: ${message}`)
  const source = (name: 'cert' | 'key' | 'client_ca'): PemSource | undefined => {
    const pem = given[name] ?? ''
    const pemFile = given[`${name}_file`] ?? ''
    if (pem !== '' && pemFile !== '') throw complain(`write ${name} or ${name}_file, not both`)
    if (pem !== '') return { pem }
    return pemFile === '' ? undefined : { file: resolve(folder, pemFile) }
  }
  const [cert, key, clientCa] = [source('cert'), source('key'), source('client_ca')]
  if (!cert) throw complain('cert or cert_file is missing')
  if (!key) throw complain('key or key_file is missing')
  const clientAuth = clientAuthOf(given.client_auth_type)
  if (clientCa && clientAuth === 'NoClientCert') {
    throw complain('there is a client CA, and client_auth_type asks no client for a certificate')
  }
  const sans = given.client_allowed_sans
  if (sans?.length === 0) throw complain('client_allowed_sans is empty, so nobody would be let in: name one')
  if (sans && clientAuth === 'NoClientCert') {
    throw complain('there are client_allowed_sans, and client_auth_type asks no client for a certificate')
  }
  const minVersion = versions[given.min_version ?? 'TLS12']
  const maxVersion = versions[given.max_version ?? 'TLS13']
  if (minVersion > maxVersion) throw complain('min_version is above max_version')
  const suites = given.cipher_suites ?? []
  const speaksTls12 = minVersion <= versions.TLS12
  if (http2 && speaksTls12 && suites.length > 0 && !suites.some((suite) => http2Suites.includes(suite))) {
    throw complain(`HTTP/2 needs one of ${http2Suites.join(', ')}: add it, or write http2: false`)
  }
  const ciphers = suites.map((suite) => cipherSuites[suite] ?? '').filter(Boolean)
  return {
    cert,
    key,
    ...(clientCa && { clientCa }),
    clientAuth,
    clientAllowedSans: sans ?? [],
    minVersion: suites.length > 0 && ciphers.length === 0 ? versions.TLS13 : minVersion,
    maxVersion,
    ...(ciphers.length > 0 && { ciphers }),
    ...(given.curve_preferences?.length && {
      curves: given.curve_preferences.map((name) => curves[name] ?? name),
    }),
    preferServerCiphers: given.prefer_server_cipher_suites ?? true,
  }
}

function clientAuthOf(word = ''): ClientAuthType {
  if (word === '') return 'NoClientCert'
  return word === 'RequireClientCert' ? 'RequireAnyClientCert' : (word as ClientAuthType)
}

/**
 * Header values as Go's net/http sends them: line breaks are spaces, outer white space goes, the rest is
 * UTF-8, which Node takes as one character a byte.
 *
 * @throws UserError for control characters, which no client would take
 */
function readHeaders(
  given: Readonly<Record<string, string>>,
  file: YamlFile,
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
