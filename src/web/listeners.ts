import { closeSync } from 'node:fs'
import { isIP } from 'node:net'
import { formatAddress, type ListenAddress } from '../config/listen-address.js'
import { ExitCode, UserError, usageError } from '../errors.js'
import { isNativeError } from '../kernel/native-error.js'
import type { System } from '../kernel/system.js'
import { occupantOf, SocketPath } from './socket-path.js'

/** A listening socket before there is anything to serve: who connects waits in it. */
export interface Listener {
  /** Whoever takes it over closes it. */
  readonly fd: number
  /** Of a Unix socket that was made here. */
  readonly path?: SocketPath
}

/** The first descriptor that systemd hands over: SD_LISTEN_FDS_START, sd_listen_fds(3). */
const firstDescriptor = 3

/**
 * Listens on all addresses.
 *
 * @param listen `systemd`: on the sockets that it hands over
 * @throws UserError if one of them cannot be had; nothing listens then
 */
export async function openListeners(
  listen: readonly ListenAddress[] | 'systemd',
  system: Pick<System, 'listenTcp' | 'listenUnix'>,
): Promise<Listener[]> {
  if (listen === 'systemd') return systemdDescriptors()
  const listeners: Listener[] = []
  try {
    for (const address of listen) listeners.push(await openListener(address, system))
  } catch (error) {
    closeListeners(listeners)
    throw error
  }
  return listeners
}

/** Closes those that nobody has taken over. */
export function closeListeners(listeners: readonly Listener[]): void {
  for (const { fd, path } of listeners) {
    path?.remove()
    closeSync(fd)
  }
}

async function openListener(
  address: ListenAddress,
  system: Pick<System, 'listenTcp' | 'listenUnix'>,
): Promise<Listener> {
  if ('path' in address) {
    refuseOccupied(address.path, 'cannot listen on ', ExitCode.failed)
    const fd = explained(`unix:${address.path}`, () => system.listenUnix(address.path))
    return { fd, path: new SocketPath(address.path) }
  }
  const { host, port } = address
  const name = formatAddress(host ?? '', port)
  if (host !== undefined) {
    const numeric = isIP(host) === 0 ? await lookUp(host, name) : host
    return { fd: explained(name, () => system.listenTcp(numeric, port)) }
  }
  const fd = explained(name, () => {
    try {
      return system.listenTcp('::', port)
    } catch (error) {
      // A host without IPv6 has no "::".
      if (isNativeError(error) && error.code === 'EAFNOSUPPORT') return system.listenTcp('0.0.0.0', port)
      throw error
    }
  })
  return { fd }
}

/**
 * Refuses to put a Unix socket where something else is.
 *
 * @param begin of the complaint
 * @throws UserError
 */
export function refuseOccupied(path: string, begin: string, exitCode: ExitCode): void {
  const occupant = occupantOf(path)
  if (occupant === undefined) return
  throw new UserError(
    `${begin}unix:${path}: ${occupant} is there: move it away, or choose another path with --web.listen-address`,
    exitCode,
  )
}

async function lookUp(host: string, name: string): Promise<string> {
  try {
    return (await (await import('node:dns/promises')).lookup(host)).address
  } catch (error) {
    throw explainListen(error as NodeJS.ErrnoException, name)
  }
}

function explained(name: string, listen: () => number): number {
  try {
    return listen()
  } catch (error) {
    throw explainListen(error as NodeJS.ErrnoException, name)
  }
}

function explainListen(error: NodeJS.ErrnoException, address: string): UserError {
  const denied = address.startsWith('unix:')
    ? 'its folder is not writable to this user'
    : 'the port needs CAP_NET_BIND_SERVICE: choose one above 1023 with --web.listen-address'
  const reasons: Partial<Record<string, string>> = {
    EADDRINUSE: 'another program listens there: stop it, or choose another address with --web.listen-address',
    EADDRNOTAVAIL: 'this host does not have that address: choose another with --web.listen-address',
    EACCES: denied,
    ENOTFOUND: 'the name has no address: choose another with --web.listen-address',
    ENOENT: 'its folder does not exist',
  }
  const reason = reasons[error.code ?? ''] ?? error.message
  return new UserError(`cannot listen on ${address}: ${reason}`, ExitCode.failed, { cause: error })
}

/**
 * The sockets that systemd hands over, sd_listen_fds(3).
 *
 * @throws UserError if there are none for this process
 */
function systemdDescriptors(environment: NodeJS.ProcessEnv = process.env): Listener[] {
  const { LISTEN_PID, LISTEN_FDS } = environment
  const count = LISTEN_PID === String(process.pid) ? Number(LISTEN_FDS) : 0
  if (!(count > 0)) {
    throw usageError('--web.systemd-socket: systemd handed no socket over: start it by a .socket unit')
  }
  return Array.from({ length: count }, (_, index) => ({ fd: firstDescriptor + index }))
}
