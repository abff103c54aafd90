import type { Socket } from 'node:net'
import type { Handler } from './limits.js'

/** Requests that may wait on a connection; few clients send any before they have the answer. */
const maxWaiting = 16

/**
 * Answers what comes at once on a connection of HTTP/1.1 (pipelining, RFC 9112, section 9.3.2) one after the
 * other, and the next when the last has left: a client that reads nothing has one answer in memory, not all.
 */
export function inOrder(handler: Handler): Handler {
  const waiting = new WeakMap<Socket, (() => void)[]>()
  return (request, response) => {
    if (request.httpVersionMajor > 1) {
      handler(request, response)
      return
    }
    const { socket } = request
    const begin = () => handler(request, response)
    response.once('close', () => {
      const next = socket.destroyed ? undefined : waiting.get(socket)?.shift()
      if (next) next()
      else waiting.delete(socket)
    })
    const queue = waiting.get(socket)
    if (queue === undefined) {
      waiting.set(socket, [])
      begin()
    } else if (queue.length < maxWaiting) queue.push(begin)
    else socket.destroy()
  }
}
