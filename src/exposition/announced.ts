import type { MemoryState } from '../memory/memory-state.js'
import { protocolName } from '../protocols.js'

type Announced = MemoryState['announced']

const name = 'egress_destination_info'
const help = 'A constant 1 for each new destination that nobody has acknowledged, the oldest thousand.'

/**
 * The series of the destinations that are announced. Written by hand, and once for each list: a registry
 * holds the event loop for milliseconds at each scrape of a thousand.
 */
export class AnnouncedMetric {
  readonly #memory: { readonly state: MemoryState }
  #list: Announced | undefined
  #text = ''

  constructor(memory: { readonly state: MemoryState }) {
    this.#memory = memory
  }

  /** It looks the same in text 0.0.4 and OpenMetrics 1.0. */
  render(): string {
    const { announced } = this.#memory.state
    if (announced !== this.#list) {
      this.#list = announced
      this.#text = `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${announced.map(sample).join('')}`
    }
    return this.#text
  }
}

function sample({
  interface: iface,
  destination,
  protocol,
  port,
  service,
  name: askedName,
  network,
  novelty,
  status,
}: Announced[number]): string {
  const contact = `protocol="${protocolName(protocol)}",port="${port === 0 ? '' : port}"`
  const labels = `interface="${escape(iface)}",destination="${destination}",${contact},service="${escape(service ?? '')}"`
  // To Prometheus an empty label is none.
  const asked = askedName === null || askedName === '' ? '' : `,name="${escape(askedName)}"`
  const belongs = network === null ? '' : `,network="${escape(network)}"`
  const isNew = novelty === null ? '' : `,novelty="${novelty}"`
  return `${name}{${labels}${asked}${belongs}${isNew},status="${status}"} 1\n`
}

/** As both text formats have label values. */
const escape = (value: string) =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
