// Loaded into the exporter: from the first SIGUSR2 on it measures how long the event loop stands still,
// and prints at each how long at most since the one before, in ms. Until then it costs nothing.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolutionMs = 1
const delay = monitorEventLoopDelay({ resolution: resolutionMs })
process.on('SIGUSR2', () => {
  delay.enable()
  console.error(`stall_ms=${Math.max(0, delay.max / 1e6 - resolutionMs)}`)
  delay.reset()
})
