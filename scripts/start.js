// npm start: sets up what is missing, then runs the exporter in this very process, so that signals
// and exit codes are its own.
import { setup } from './setup.js'

setup()
await import('../dist/main.js')
