// What serves and remembers, in one piece that is loaded once it counts.
export { createSelfMetrics } from '../exposition/self-metrics.js'
export { remember } from '../memory/remember.js'
export { createApp } from '../web/app.js'
export { serve } from '../web/server.js'
