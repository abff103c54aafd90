import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { type DestinationsSource, listDestinations } from '../../destinations/list.js'
import { root } from '../../root.js'
import type { Gate } from '../gate.js'
import { renderDocument } from './document.js'
import { maxNewest, rowsPerPage } from './view.js'

/** Nothing from elsewhere, and nothing within the page that is not a file of it. */
const pageSecurity =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

const assets = { 'page.js': 'text/javascript', 'page.css': 'text/css' } as const

/** The page at `/`, and what it is made of. */
export function pageRoutes(
  app: FastifyInstance,
  source: DestinationsSource,
  gate: Gate,
  telemetryPath: string,
): void {
  app.get('/', { config: { contentSecurityPolicy: pageSecurity } }, async (request, reply) => {
    const { readListQuery } = await import('../../destinations/query.js')
    const query = { ...readListQuery(request.query), limit: rowsPerPage }
    const newestQuery = { status: 'new', sort: '-first_seen', limit: maxNewest, offset: 0 } as const
    const [list, newest] = await gate.pass(async () => [
      await listDestinations(source, query),
      await listDestinations(source, newestQuery),
    ])
    return reply.type('text/html; charset=utf-8').send(renderDocument(telemetryPath, query, list, newest))
  })
  for (const [name, type] of Object.entries(assets)) {
    const content = readFileSync(new URL(`dist/${name}`, root))
    app.get(`/assets/${name}`, (_request, reply) => reply.type(`${type}; charset=utf-8`).send(content))
  }
}
