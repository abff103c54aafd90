import { isIPv6 } from 'node:net'

export type ListenAddress = TcpAddress | SocketPath

export interface TcpAddress {
  /** Absent: every address of the host. */
  readonly host?: string
  readonly port: number
}

/** A Unix socket. */
export interface SocketPath {
  readonly path: string
}

/** What sun_path holds, include/uapi/linux/un.h, and a zero. */
const maxSocketPathBytes = 107

/**
 * Reads `[HOST]:PORT` as Prometheus and its exporters write it: `:10191`, `127.0.0.1:10191`,
 * `[::1]:10191`; port 0 lets the kernel choose. Or a Unix socket, `unix:/run/egress-exporter.sock`.
 *
 * @throws Error if it is not of this form
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    if (!path.startsWith('/') || Buffer.byteLength(path) > maxSocketPathBytes) {
      throw new Error(`'${text}' is not a socket: write unix: and an absolute path of 107 bytes at most`)
    }
    return { path }
  }
  const match = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^:[\]]*)):(?<port>\d{1,5})$/.exec(text)
  const { v6, host, port } = match?.groups ?? {}
  if (port === undefined || Number(port) > 65535 || (v6 !== undefined && !isIPv6(v6))) {
    throw new Error(
      `'${text}' is not an address: write [HOST]:PORT, such as :10191, 127.0.0.1:10191 or [::1]:10191, or unix:/PATH`,
    )
  }
  const name = v6 ?? host
  return name ? { host: name, port: Number(port) } : { port: Number(port) }
}

/** The address as a URL's authority. */
export function formatAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}
