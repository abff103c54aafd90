import { destination } from './destination.js'
import { overview } from './overview.js'
import { service } from './service.js'

/** Every dashboard by its file in dashboards/, as Grafana imports it. */
export const dashboards = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries({
      'egress-overview.json': overview(),
      'egress-destination.json': destination(),
      'egress-service.json': service(),
    }).map(
      // Classic dashboards are imported without an id.
      ([file, model]) => [file, `${JSON.stringify({ ...model, id: null }, undefined, 2)}\n`],
    ),
  )
