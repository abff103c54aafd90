// What the dashboards have in common.
import {
  TableSortByFieldStateBuilder,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
} from '@grafana/grafana-foundation-sdk/common'
import {
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'

const datasource = { type: 'prometheus', uid: '${datasource}' }

/** What every selector holds, so that a choice of job and instance holds everywhere. */
export const chosen = 'job=~"$job", instance=~"$instance"'

/** The whole width is 24. */
interface Size {
  readonly width: number
  readonly height: number
}

interface Description {
  readonly title: string
  readonly description: string
  /** https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/#unit */
  readonly unit: string
  readonly size: Size
}

/** A query, and how its series are called. */
export interface Query {
  readonly expr: string
  readonly legend: string
}

/** How a graph is shown: its series on each other, or each linked to what its label names. */
interface Drawn {
  readonly stacked?: boolean
  readonly linked?: keyof typeof dashboardsOf
}

/* eslint-disable @typescript-eslint/no-deprecated -- every Grafana imports classic dashboards, the newer form only the newest */
export function dashboard(uid: string, title: string, description: string): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['egress-exporter'])
    .readonly()
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .link(
      new DashboardLinkBuilder('Egress')
        .type(DashboardLinkType.Dashboards)
        .tags(['egress-exporter'])
        .keepTime(true)
        .includeVars(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(choice('job', 'Job', 'label_values(egress_interface_packets_total, job)'))
    .withVariable(
      choice('instance', 'Instance', 'label_values(egress_interface_packets_total{job=~"$job"}, instance)'),
    )
}

/* eslint-enable @typescript-eslint/no-deprecated */

/** A variable that may be several, or all. */
function choice(name: string, label: string, query: string): QueryVariableBuilder {
  return variable(name, label, query).multi(true).includeAll(true).allValue('.+')
}

export function variable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
}

/** A variable that one writes: a list of all addresses would take a server long. */
export const textBox = (name: string, label: string): TextBoxVariableBuilder =>
  new TextBoxVariableBuilder(name).label(label)

/** The dashboards of one thing, by the label that has its name. */
const dashboardsOf = { destination: 'egress-destination', service: 'egress-service' } as const

/** Where a name leads to: the dashboard of that one thing, at the same time and of the same servers. */
const links = (label: keyof typeof dashboardsOf, value: string) => ({
  id: 'links',
  value: [
    {
      title: `This ${label}`,
      url: `/d/${dashboardsOf[label]}?\${__url_time_range}&\${job:queryparam}&\${instance:queryparam}&var-datasource=\${datasource}&var-${label}=\${${value}:percentencode}`,
    },
  ],
})

/** What every panel has, whatever it is. */
interface Panel {
  title(title: string): this
  description(description: string): this
  unit(unit: string): this
  span(width: number): this
  height(height: number): this
  datasource(source: typeof datasource): this
}

const described = <P extends Panel>(panel: P, { title, description, unit, size }: Description): P =>
  panel
    .title(title)
    .description(description)
    .unit(unit)
    .span(size.width)
    .height(size.height)
    .datasource(datasource)

export function graph(
  description: Description,
  queries: readonly Query[],
  { stacked = false, linked }: Drawn = {},
): TimeseriesBuilder {
  const panel = described(new TimeseriesBuilder(), description)
    .min(0)
    .fillOpacity(stacked ? 40 : 8)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
  if (linked) panel.overrideByRegexp('.*', [links(linked, `__field.labels.${linked}`)])
  if (stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
  queries.forEach(({ expr, legend }, index) => {
    panel.withTarget(prometheus(expr, index).range().legendFormat(legend))
  })
  return panel
}

/**
 * The ten destinations that get most.
 *
 * @param selected whose counters, as in a selector
 * @param by what tells them apart, beside the destination
 */
export const topDestinations = (what: 'bytes' | 'packets', selected: string, by: readonly string[]) =>
  graph(
    {
      title: what === 'bytes' ? 'Bytes' : 'Packets',
      description: `The ten destinations that get most wire ${what}.`,
      unit: what === 'bytes' ? 'Bps' : 'pps',
      size: { width: 12, height: 9 },
    },
    [
      {
        expr: `topk(10, sum by (${[...by, 'destination'].join(', ')}) (rate(egress_${what}_total{${selected}}[$__rate_interval])))`,
        legend: `${by.map((label) => `{{${label}}}`).join(' ')} → {{destination}}`,
      },
    ],
    { linked: 'destination' },
  )

export function stat(description: Description, expr: string): StatBuilder {
  return described(new StatBuilder(), description).withTarget(prometheus(expr, 0).instant())
}

/** How a table is shown: labels without a column, the column to sort by, and units of columns. */
interface Shown {
  readonly hidden?: readonly string[]
  readonly sortBy?: string
  readonly units?: Readonly<Record<string, string>>
}

/** A table of labels, a column for the value of each query. */
export function table(
  description: Description,
  columns: Readonly<Record<string, string>>,
  { hidden = [], sortBy = '', units = {} }: Shown = {},
): TableBuilder {
  const names = Object.keys(columns)
  const refs = names.map((_, index) => refId(index))
  const panel = described(new TableBuilder(), description)
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: Object.fromEntries(['Time', '__name__', 'job', ...hidden].map((name) => [name, true])),
        renameByName: Object.fromEntries(
          names.map((name, index) => [names.length === 1 ? 'Value' : `Value #${refs[index]}`, name]),
        ),
      },
    })
  Object.values(columns).forEach((expr, index) => {
    panel.withTarget(prometheus(expr, index).instant().format(PromQueryFormat.Table))
  })
  for (const [name, columnUnit] of Object.entries(units)) {
    panel.overrideByName(name, [{ id: 'unit', value: columnUnit }])
  }
  for (const label of ['destination', 'service'] as const)
    if (!hidden.includes(label)) panel.overrideByName(label, [links(label, '__value.raw')])
  if (sortBy !== '') panel.sortBy([new TableSortByFieldStateBuilder().displayName(sortBy).desc(true)])
  return panel
}

const refId = (index: number) => String.fromCharCode('A'.charCodeAt(0) + index)

const prometheus = (expr: string, index: number) =>
  new DataqueryBuilder().datasource(datasource).refId(refId(index)).expr(expr)
