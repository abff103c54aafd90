import type { FastifyInstance } from 'fastify'
import type { ListenAddress } from '../../src/config/listen-address.js'
import { loadAddon } from '../../src/kernel/native/addon.js'
import { openListeners } from '../../src/web/listeners.js'
import { serve, type ServeOptions, type WebServer } from '../../src/web/server.js'

const quiet = { webConfig: undefined, log: { error: () => undefined } }

/** Serves an app as the exporter does. */
export async function serveOn(
  app: FastifyInstance,
  listen: readonly ListenAddress[],
  options: ServeOptions = quiet,
): Promise<WebServer> {
  return await serve(app, await openListeners(listen, loadAddon()), options)
}
