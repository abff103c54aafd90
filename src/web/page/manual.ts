import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { root } from '../../root.js'

/**
 * The documentation, as text: README at `/docs`, and each page of the folder docs/ below it, where the
 * alerts' runbook links lead. A host may reach nothing else that explains it.
 */
export function manualRoutes(app: FastifyInstance): void {
  const serve = (path: string, file: string) =>
    app.get(path, async (_request, reply) =>
      reply.type('text/plain; charset=utf-8').send(await readFile(new URL(file, root))),
    )
  serve('/docs', 'README.md')
  const pages = readdirSync(new URL('docs', root), { recursive: true, encoding: 'utf8' })
  for (const page of pages) if (page.endsWith('.md')) serve(`/docs/${page}`, `docs/${page}`)
}
