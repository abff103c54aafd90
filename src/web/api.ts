import type { FastifyInstance } from 'fastify'
import { type DestinationsSource, listDestinations, QueryError } from '../destinations/list.js'
import type { Gate } from './gate.js'

/** What programs ask; docs/api.md describes it. */
export function apiRoutes(app: FastifyInstance, source: DestinationsSource, gate: Gate): void {
  app.get('/api/v1/destinations', async (request, reply) => {
    try {
      // Loaded when somebody asks: most runs need no validator.
      const { readListQuery } = await import('../destinations/query.js')
      const query = readListQuery(request.query)
      return await gate.pass(() => listDestinations(source, query))
    } catch (error) {
      // Its words are for whoever asked, and show nothing of inside.
      if (error instanceof QueryError) return reply.code(400).send({ error: error.message })
      throw error
    }
  })
}
