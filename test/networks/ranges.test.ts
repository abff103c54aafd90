import t from 'tap'
import { readProviderRanges } from '../../src/networks/ranges.js'

/** As the providers publish them, cut short. */
const files = {
  aws: {
    ...{ syncToken: '1', createDate: '2026-11-27-00-00-00' },
    prefixes: [
      {
        ip_prefix: '192.0.2.0/24',
        region: 'eu-west-1',
        service: 'AMAZON',
        network_border_group: 'eu-west-1',
      },
      { ip_prefix: '192.0.2.0/25', region: 'eu-west-1', service: 'S3', network_border_group: 'eu-west-1' },
      { ip_prefix: '192.0.2.0/26', region: 'GLOBAL', service: 'ROUTE53_HEALTHCHECKS' },
    ],
    ipv6_prefixes: [{ ipv6_prefix: '2001:db8::/32', region: 'eu-west-1', service: 'EC2' }],
  },
  google: {
    ...{ syncToken: '1', creationTime: '2026-11-27T00:00:00' },
    prefixes: [
      { ipv4Prefix: '192.0.2.0/24', service: 'Google Cloud', scope: 'europe-west4' },
      { ipv6Prefix: '2001:db8::/32' },
    ],
  },
  azure: {
    ...{ changeNumber: 1, cloud: 'Public' },
    values: [
      { name: 'AzureCloud.westeurope', properties: { addressPrefixes: ['192.0.2.0/24'] } },
      { name: 'Storage.WestEurope', properties: { addressPrefixes: ['192.0.2.0/25', '2001:db8::/32'] } },
      { name: 'AzureActiveDirectory', properties: { addressPrefixes: ['198.51.100.0/24'] } },
    ],
  },
  oracle: {
    last_updated_timestamp: '2026-11-27T00:00:00.000000',
    regions: [
      {
        region: 'eu-amsterdam-1',
        cidrs: [
          { cidr: '192.0.2.0/24', tags: ['OCI'] },
          { cidr: '198.51.100.0/24', tags: ['OSN', 'OBJECT_STORAGE'] },
        ],
      },
    ],
  },
  fastly: { addresses: ['192.0.2.0/24'], ipv6_addresses: ['2001:db8::/32'] },
  github: {
    ...{
      verifiable_password_authentication: false,
      ssh_keys: ['ssh-ed25519 AAAA'],
      domains: { website: ['*'] },
    },
    ...{ web: ['192.0.2.0/24', '2001:db8::/32'], actions: ['198.51.100.0/24'] },
  },
}
const expected = {
  aws: [
    '192.0.2.0/24 aws',
    '192.0.2.0/25 aws/s3',
    '192.0.2.0/26 aws/route53-healthchecks',
    '2001:db8::/32 aws/ec2',
  ],
  google: ['192.0.2.0/24 google/cloud', '2001:db8::/32 google'],
  azure: [
    ...['192.0.2.0/24 azure', '192.0.2.0/25 azure/storage', '2001:db8::/32 azure/storage'],
    '198.51.100.0/24 azure/active-directory',
  ],
  oracle: ['192.0.2.0/24 oracle', '198.51.100.0/24 oracle/osn', '198.51.100.0/24 oracle/object-storage'],
  fastly: ['192.0.2.0/24 fastly', '2001:db8::/32 fastly'],
  github: ['192.0.2.0/24 github/web', '2001:db8::/32 github/web', '198.51.100.0/24 github/actions'],
}

for (const [provider, file] of Object.entries(files)) {
  t.test(`the prefixes of ${provider}`, async (t) => {
    t.same(
      readProviderRanges(file).map(
        ({ cidr, provider, service }) => `${cidr} ${provider}${service && `/${service}`}`,
      ),
      expected[provider as keyof typeof expected],
    )
  })
}

t.test('of nobody known', async (t) => {
  for (const file of [{}, { prefixes: [] }, { addresses: [] }, 7, null, 'text']) {
    t.throws(() => readProviderRanges(file), { message: /of no provider that is known/ })
  }
})
