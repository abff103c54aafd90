import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import type { PagePart } from '../exposition/page.js'

/** A client that takes no more than this in so long is let go. */
const stallBytes = 2 ** 20
const stallTimeoutMs = 30_000

/** Level 6 takes twice the time of level 1 for 7 % fewer bytes. */
const gzipOptions = { level: constants.Z_BEST_SPEED, chunkSize: 64 * 1024 }

/**
 * Sends a page to a client as fast as it takes it, and no faster: the next part is rendered while one
 * is on its way, and a part's memory is its own until it has left. A client that goes or stalls ends it.
 */
export async function sendPage(
  response: ServerResponse,
  parts: AsyncGenerator<PagePart, void>,
  gzip: boolean,
  timeoutMs = stallTimeoutMs,
): Promise<void> {
  const target: Writable = gzip ? createGzip(gzipOptions) : response
  const gone = once(response, 'close').then(() => {
    throw new Error('the client is gone')
  })
  // Handled also when nobody waits for it any more.
  gone.catch(() => undefined)
  /** Awaits the client's part; how long rendering takes is not its fault. */
  const taken = <T>(step: Promise<T>, bytes = 0): Promise<T> => {
    let timer: NodeJS.Timeout | undefined
    const stalled = new Promise<never>((_resolve, reject) => {
      const patienceMs = timeoutMs * Math.ceil((bytes + 1) / stallBytes)
      timer = setTimeout(() => reject(new Error('the client takes nothing')), patienceMs)
    })
    return Promise.race([step, gone, stalled]).finally(() => clearTimeout(timer))
  }
  if (gzip) target.pipe(response)
  try {
    for await (const part of parts) {
      const bytes = part.pieces.reduce((sum, { length }) => sum + length, 0)
      await taken(write(target, part), bytes)
    }
    if (!response.writableFinished) await taken(once(response, 'finish'))
  } catch {
    target.destroy()
    response.destroy()
  }
}

/** All in one turn of the event loop, whose writes Node hands to the kernel together. */
function write(target: Writable, { pieces, last }: PagePart): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve())
    for (const piece of pieces.slice(0, -1)) target.write(piece)
    const piece = pieces.at(-1)
    if (last) target.end(piece, done)
    else target.write(piece, done)
  })
}
