import { Namespace, silence } from './network.js'

const gateway = '198.18.0.2'

/** A host that sends by wan0, and forwards what its guest sends by lan0. */
export function router(t: { teardown(action: () => unknown): void }) {
  const host = new Namespace(t, 'router')
  const guest = new Namespace(t, 'guest')
  host.ip('link add wan0 type veth peer name far')
  host.ip(`link add lan0 type veth peer name eth0 netns ${guest.name}`)
  for (const device of ['far', 'wan0', 'lan0']) silence(host, device)
  silence(guest, 'eth0')
  host.ip('addr add 198.18.0.1/24 dev wan0')
  host.ip('addr add 198.18.1.1/24 dev lan0')
  host.ip(`neigh replace ${gateway} lladdr 02:00:00:00:00:02 dev wan0 nud permanent`)
  host.ip(`route add default via ${gateway}`)
  host.run(['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1'])
  guest.ip('addr add 198.18.1.2/24 dev eth0')
  guest.ip('route add default via 198.18.1.1')
  return { host, guest }
}

/** A command that sends UDP datagrams. */
export const send = (to: string, count: number) => [
  '/usr/bin/python3',
  '-c',
  `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(${count}): s.sendto(b"seven!!", ("${to}", 4433))`,
]
