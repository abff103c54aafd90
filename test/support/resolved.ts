import { mkdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { dirname } from 'node:path'
import dnsPacket, { type Answer } from 'dns-packet'

interface Teardown {
  teardown(action: () => unknown): void
}

const end = '\0'

/** A record alone, behind the header of a message that has nothing else. */
const recordOf = (answer: Answer) => dnsPacket.encode({ answers: [answer] }).subarray(12)

/** What systemd-resolved 252 says of a query that led somewhere, as `resolvectl monitor` gets it. */
export const resolvedReply = (name: string, answers: readonly Answer[]) => ({
  parameters: {
    state: 'success',
    question: [
      { class: 1, type: 1, name },
      { class: 1, type: 28, name },
    ],
    answer: answers.map((one) => ({
      rr: { key: { class: 1, type: 1, name: one.name } },
      raw: recordOf(one).toString('base64'),
      ifindex: 2,
    })),
  },
  continues: true,
})

export const ready = { parameters: { ready: true }, continues: true }

/** Listens as systemd-resolved's monitor does. */
export async function fakeResolved(t: Teardown, path: string, first: object = ready) {
  mkdirSync(dirname(path), { recursive: true })
  const sockets = new Set<Socket>()
  let asked = ''
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      asked += bytes.toString()
      if (asked.endsWith(end)) socket.write(JSON.stringify(first) + end)
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const stop = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(stop)
  return {
    /** What it was asked. */
    asked: () => JSON.parse(asked.slice(0, -1)) as unknown,
    say: (...replies: (object | string)[]) => {
      for (const reply of replies)
        for (const socket of sockets)
          socket.write((typeof reply === 'string' ? reply : JSON.stringify(reply)) + end)
    },
    stop,
  }
}
