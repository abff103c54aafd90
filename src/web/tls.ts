import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import { canonicalAddress } from '../config/prefix.js'
import type { PemSource, TlsConfig } from '../config/web-config/tls.js'

/** For TLS 1.2, where the configuration says nothing: whoever gets the key later reads nothing (RFC 9325, section 4.2). */
const forwardSecret = ['ECDHE+AESGCM', 'ECDHE+CHACHA20']
/** Beside them below TLS 1.2, which has no others: CBC. */
const forwardSecretOld = ['ECDHE+AES']

/** What a client has shown. */
export type ClientSocket = Pick<TLSSocket, 'getPeerX509Certificate' | 'authorized'>

/** The files that a configuration names. */
export const filesOf = ({ cert, key, clientCa }: TlsConfig): string[] =>
  [cert, key, clientCa].flatMap((source) => (source && 'file' in source ? [source.file] : []))

/**
 * What Node needs to speak TLS as configured.
 *
 * @throws Error if a file cannot be read, or the authority is no certificate
 */
export function secureContextOptions(tls: TlsConfig): SecureContextOptions {
  const old = tls.minVersion < 'TLSv1.2'
  const ciphers = [
    ...(tls.ciphers ?? [...forwardSecret, ...(old ? forwardSecretOld : [])]),
    // OpenSSL speaks what is older than TLS 1.2 at this level alone.
    ...(old ? ['@SECLEVEL=0'] : []),
  ].join(':')
  const ca = tls.clientCa && read(tls.clientCa)
  // Node would take what is none for none at all.
  if (ca !== undefined) new X509Certificate(ca)
  return {
    cert: read(tls.cert),
    key: read(tls.key),
    ...(ca !== undefined && { ca }),
    minVersion: tls.minVersion,
    maxVersion: tls.maxVersion,
    ciphers,
    ...(tls.curves && { ecdhCurve: tls.curves.join(':') }),
    honorCipherOrder: tls.preferServerCiphers,
  }
}

function read(source: PemSource): string {
  return 'pem' in source ? source.pem : readFileSync(source.file, 'utf8')
}

/** Whether a client may stay, by the certificate that it has shown or not. */
export function isClientAllowed(socket: ClientSocket, { clientAuth, clientAllowedSans }: TlsConfig): boolean {
  if (clientAuth === 'NoClientCert') return true
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) {
    const optional = clientAuth === 'RequestClientCert' || clientAuth === 'VerifyClientCertIfGiven'
    return optional && clientAllowedSans.length === 0
  }
  const verified = clientAuth === 'VerifyClientCertIfGiven' || clientAuth === 'RequireAndVerifyClientCert'
  if (verified && !socket.authorized) return false
  const names = subjectAltNames(certificate.subjectAltName ?? '')
  return clientAllowedSans.length === 0 || clientAllowedSans.some((allowed) => names.has(keyOf(allowed)))
}

/** An address is one however it is written, and is no name of a host. */
const keyOf = (name: string) => addressKey(name) ?? `name ${name}`

function addressKey(text: string): string | undefined {
  const address = canonicalAddress(text)
  return address === undefined ? undefined : `address ${address}`
}

/**
 * The names in OpenSSL's text, such as `DNS:a.example, IP Address:192.0.2.1`. A name with a comma or a
 * quote is written as a JSON string, lest it pass for several.
 */
function subjectAltNames(text: string): Set<string> {
  const names = text.matchAll(/(?:^|, )(DNS|email|IP Address|URI):("(?:[^"\\]|\\.)*"|[^,]*)/g)
  return new Set(
    [...names].flatMap(([, kind, written = '']) => {
      const name = written.startsWith('"') ? (JSON.parse(written) as string) : written
      return kind === 'IP Address' ? (addressKey(name) ?? []) : `name ${name}`
    }),
  )
}
