// Loaded before all else, since these signals end a process that does not listen to them, or open a
// debugger in it (SIGUSR1).

const kept = ['SIGHUP', 'SIGUSR1'] as const
/** A signal that counts from the first instruction on, and is acted on when somebody can. */
export type KeptSignal = (typeof kept)[number]

const came = new Set<KeptSignal>()
const keep = (signal: KeptSignal) => void came.add(signal)
const ignore = () => undefined

for (const signal of kept) process.on(signal, keep)
process.on('SIGUSR2', ignore)

/** Acts on a signal from now on, and at once if it came before. */
export function onSignal(signal: KeptSignal, act: () => void): void {
  process.on(signal, act)
  process.off(signal, keep)
  if (came.delete(signal)) act()
}

/** Lets a terminal that closes end this process, as it ends any other command. */
export function endOnHangup(): void {
  process.off('SIGHUP', keep)
  if (came.delete('SIGHUP')) process.kill(process.pid, 'SIGHUP')
}
