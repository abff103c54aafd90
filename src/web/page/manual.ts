import { readFile } from 'node:fs/promises'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { root } from '../../root.js'

/** A page of docs/, or of a folder in it. */
const page = /^(?:[\w-]+\/)?[\w-]+\.md$/

/**
 * The documentation, as text: README at `/docs`, and each page of the folder docs/ below it, where the
 * alerts' runbook links lead. A host may reach nothing else that explains it.
 */
export function manualRoutes(app: FastifyInstance): void {
  app.get('/docs', (_request, reply) => send('README.md', reply))
  app.get<{ Params: { '*': string } }>('/docs/*', ({ params: { '*': name } }, reply) =>
    page.test(name) ? send(`docs/${name}`, reply) : reply.callNotFound(),
  )
}

async function send(file: string, reply: FastifyReply): Promise<void> {
  try {
    const text = await readFile(new URL(file, root))
    void reply.type('text/plain; charset=utf-8').send(text)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    reply.callNotFound()
  }
}
