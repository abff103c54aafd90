import type { Settings } from '../config/settings.js'
import {
  type DestinationsList,
  type DestinationsSource,
  listDestinations,
  type ListQuery,
  QueryError,
} from '../destinations/list.js'
import { ExitCode, UserError, usageError } from '../errors.js'
import { unpack } from '../kernel/contacts.js'
import { EgressCounter } from '../kernel/egress-counter.js'
import { findCounting } from '../kernel/leftovers.js'
import type { Logger } from '../log.js'
import { unknownYet } from '../memory/memory-state.js'

/** What is shown comes from here. */
export interface Source {
  /** In words, for people. */
  readonly name: string
  /** Whether it counts in this process. */
  readonly attached: boolean
  /** @throws UserError if it cannot be had */
  list(query: ListQuery): Promise<DestinationsList>
  close(): void
}

const timeoutMs = 5_000
/** Known in one step, as the memory does. */
const batch = 500

/**
 * Asks a running exporter.
 *
 * @param url of the exporter, with a user and a password where it wants them
 */
export function remoteSource(url: URL): Source {
  const { username, password } = url
  const base = new URL(url)
  base.username = base.password = base.search = base.hash = ''
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const headers: Record<string, string> =
    username === '' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
  return {
    name: base.origin,
    attached: false,
    async list(query) {
      const parameters = Object.entries(query).map(([name, value]) => [name, String(value)])
      const target = new URL(`api/v1/destinations?${new URLSearchParams(parameters).toString()}`, base)
      try {
        const answer = await fetch(target, { headers, signal: AbortSignal.timeout(timeoutMs) })
        if (answer.ok) return (await answer.json()) as DestinationsList
        throw new UserError(`${base.origin}: ${await explainStatus(answer)}`, ExitCode.failed)
      } catch (error) {
        if (error instanceof UserError) throw error
        const { cause, message } = error as Error
        const { code, message: reason } = (cause ?? { message }) as NodeJS.ErrnoException
        throw new UserError(`no exporter answers at ${base.origin}: ${code ?? reason}`, ExitCode.failed, {
          cause: error,
        })
      }
    },
    close: () => undefined,
  }
}

async function explainStatus(answer: Response): Promise<string> {
  if (answer.status === 401) return 'it wants a password: --url https://USER:PASSWORD@HOST:PORT'
  if (answer.status === 404)
    return 'there is no list of destinations: is it an egress-exporter, and of this version?'
  const { error = `it answers ${answer.status}` } = (await answer.json().catch(() => ({}))) as {
    error?: string
  }
  return error
}

/**
 * Counts for itself until it is closed, and leaves nothing behind.
 *
 * @throws UserError as EgressCounter.open does, and where that would stop an exporter that runs
 */
export async function attachedSource(settings: Settings, log: Logger): Promise<Source> {
  refuseToDisturb()
  const counter = await EgressCounter.open(settings, log)
  const table = counter.destinations
  const source: DestinationsSource = {
    // It remembers nothing, so nothing is new.
    state: unknownYet,
    async catchUp() {
      for (;;) {
        const found = await table.discover(batch)
        if (found.count === 0) return
        await table.publish(
          found.keys,
          Float64Array.from(unpack(found), ({ firstSeenMs }) => firstSeenMs),
        )
      }
    },
    rank: (query) => counter.rank(query),
    describe: (keys) => Promise.resolve(keys.map(() => undefined)),
  }
  return {
    name: 'counting itself',
    attached: true,
    async list(query) {
      try {
        return await listDestinations(source, query)
      } catch (error) {
        throw error instanceof QueryError ? usageError(error.message) : error
      }
    },
    close: () => counter.close(),
  }
}

function refuseToDisturb(): void {
  const counting = findCounting()
  if (!counting) return
  throw new UserError(
    `process ${counting.holder} counts on ${counting.interface} already: show what it counts with --url`,
    ExitCode.failed,
  )
}
