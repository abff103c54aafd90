import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'

/** A client that takes nothing for so long is let go. */
const stallTimeoutMs = 30_000

/** Level 6 takes twice the time of level 1 for 7 % fewer bytes. */
const gzipOptions = { level: constants.Z_BEST_SPEED, chunkSize: 64 * 1024 }

/**
 * Sends a page to a client as fast as it takes it, and no faster: the next chunk is rendered while one
 * is on its way, and a chunk's memory is its own until it has left.
 *
 * @returns what the chunks returned; undefined if the client did not get all of them
 */
export async function sendPage<Result>(
  response: ServerResponse,
  chunks: AsyncGenerator<Uint8Array, Result>,
  gzip: boolean,
  timeoutMs = stallTimeoutMs,
): Promise<Result | undefined> {
  const target: Writable = gzip ? createGzip(gzipOptions) : response
  const gone = once(response, 'close').then(() => {
    throw new Error('the client is gone')
  })
  // Handled also when nobody waits for it any more.
  gone.catch(() => undefined)
  /** Awaits the client's part; how long rendering takes is not its fault. */
  const taken = <T>(step: Promise<T>): Promise<T> => {
    let timer: NodeJS.Timeout | undefined
    const stalled = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('the client takes nothing')), timeoutMs)
    })
    return Promise.race([step, gone, stalled]).finally(() => clearTimeout(timer))
  }
  if (gzip) target.pipe(response)
  try {
    let next = await chunks.next()
    for (; !next.done; next = await chunks.next()) await taken(write(target, next.value))
    target.end()
    await taken(once(response, 'finish'))
    return next.value
  } catch {
    target.destroy()
    response.destroy()
    await chunks.return(undefined as Result)
    return undefined
  }
}

function write(target: Writable, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    target.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}
