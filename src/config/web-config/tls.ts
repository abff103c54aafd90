import { resolve } from 'node:path'
import { type Static, Type } from 'typebox'
import { usageError } from '../../errors.js'
import type { YamlFile } from '../yaml-file.js'

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
const versionNames = Object.keys(versions) as (keyof typeof versions)[]
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

export const tlsSchema = Type.Object(
  {
    cert: Type.Optional(Type.String()),
    cert_file: Type.Optional(Type.String()),
    key: Type.Optional(Type.String()),
    key_file: Type.Optional(Type.String()),
    client_ca: Type.Optional(Type.String()),
    client_ca_file: Type.Optional(Type.String()),
    client_auth_type: Type.Optional(Type.Enum(['', ...clientAuthTypes, 'RequireClientCert'])),
    client_allowed_sans: Type.Optional(Type.Array(Type.String())),
    min_version: Type.Optional(Type.Enum(versionNames)),
    max_version: Type.Optional(Type.Enum(versionNames)),
    cipher_suites: Type.Optional(Type.Array(Type.Enum(Object.keys(cipherSuites)))),
    curve_preferences: Type.Optional(Type.Array(Type.Enum(Object.keys(curves)))),
    prefer_server_cipher_suites: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

/**
 * Reads how TLS is spoken; undefined: it is not. Files that are named are not looked at.
 *
 * @param folder what paths are relative to
 * @throws UserError for what is missing, or does not fit together
 */
export function readTls(
  given: Static<typeof tlsSchema>,
  http2: boolean,
  folder: string,
  file: Pick<YamlFile, 'keyAt'>,
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
