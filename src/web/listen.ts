import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { formatAddress, type ListenAddress } from '../config/listen-address.js'
import { ExitCode, UserError } from '../errors.js'

/**
 * Opens the server's socket.
 *
 * @returns the address it got, as a URL's authority
 * @throws UserError if the address cannot be had
 */
export async function listen(app: FastifyInstance, { host, port }: ListenAddress): Promise<string> {
  try {
    await app.listen({ host: host ?? '::', port })
  } catch (error) {
    // A host without IPv6 has no "::".
    if (host === undefined && (error as NodeJS.ErrnoException).code === 'EAFNOSUPPORT') {
      return listen(app, { host: '0.0.0.0', port })
    }
    throw explainListen(error as NodeJS.ErrnoException, formatAddress(host ?? '', port))
  }
  const bound = app.server.address() as AddressInfo
  return formatAddress(bound.address, bound.port)
}

function explainListen(error: NodeJS.ErrnoException, address: string): UserError {
  const reasons: Partial<Record<string, string>> = {
    EADDRINUSE: 'another program listens there: stop it, or choose another address with --web.listen-address',
    EADDRNOTAVAIL: 'this host does not have that address: choose another with --web.listen-address',
    EACCES: 'the port needs CAP_NET_BIND_SERVICE: choose one above 1023 with --web.listen-address',
    ENOTFOUND: 'the name has no address: choose another with --web.listen-address',
  }
  const reason = reasons[error.code ?? ''] ?? error.message
  return new UserError(`cannot listen on ${address}: ${reason}`, ExitCode.failed, { cause: error })
}
