import { Gauge, type Registry } from 'prom-client'
import { build } from '../build.js'

/** egress_exporter_build_info: which program answers. */
export function buildInfo(registry: Registry, libbpfVersion: string): void {
  new Gauge({
    name: 'egress_exporter_build_info',
    help: 'A constant 1; its labels say what was built and runs.',
    labelNames: ['version', 'revision', 'nodeversion', 'libbpfversion'],
    registers: [registry],
  }).set(
    {
      version: build.version,
      revision: build.revision,
      nodeversion: process.version,
      libbpfversion: libbpfVersion,
    },
    1,
  )
}
