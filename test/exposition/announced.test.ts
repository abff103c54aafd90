import t from 'tap'
import { AnnouncedMetric } from '../../src/exposition/announced.js'
import { unknownYet } from '../../src/memory/memory-state.js'
import type { Remembered } from '../../src/memory/rows.js'
import { unknownNetwork } from '../../src/networks/network.js'

const announced = (rest: Partial<Remembered>): Remembered => ({
  ...{
    interface: 'eth0',
    destination: '192.0.2.1',
    protocol: 6,
    port: 443,
    service: 'nginx.service',
    uid: 33,
    novelty: null,
    name: null,
    ...unknownNetwork,
  },
  ...{ firstSeenMs: 1, lastSeenMs: 2, packets: 3, bytes: 4, acknowledgedMs: null, note: null, status: 'new' },
  ...rest,
})

t.test('a series for each, of whichever list there is', (t) => {
  const memory = { state: unknownYet }
  const metric = new AnnouncedMetric(memory)
  const samples = () => metric.render().split('\n').slice(2)
  t.match(metric.render(), /^# HELP egress_destination_info .+\n# TYPE egress_destination_info gauge\n$/)
  const icmp = announced({
    destination: '2001:db8::1',
    interface: 'a"\\\n',
    protocol: 58,
    port: 0,
    service: null,
    name: '',
  })
  memory.state = { ...unknownYet, announced: [announced({ name: 'www.example.test' }), icmp] }
  t.same(samples(), [
    'egress_destination_info{interface="eth0",destination="192.0.2.1",protocol="tcp",port="443",service="nginx.service",name="www.example.test",status="new"} 1',
    'egress_destination_info{interface="a\\"\\\\\\n",destination="2001:db8::1",protocol="icmpv6",port="",service="",status="new"} 1',
    '',
  ])
  memory.state = { ...memory.state, announced: [announced({ network: 'a"s', novelty: 'address' })] }
  t.match(samples()[0], /,service="nginx.service",network="a\\"s",novelty="address",status="new"\} 1$/)
  memory.state = { ...memory.state, announced: [icmp] }
  t.equal(samples().length, 2)
  memory.state = { ...memory.state, announced: [] }
  t.same(samples(), [''])
  t.end()
})
