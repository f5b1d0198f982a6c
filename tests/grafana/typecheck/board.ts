// A dashboard as Grafana's own schema has it, with the options of the panels that hookline uses, in the form of JSON: where the
// schema has an enum, JSON has its value. The test writes each dashboard beside this file as an object of this type.
import type { Dashboard, FieldConfig, FieldConfigSource, Panel, RowPanel } from '@grafana/schema';
import type {
  FieldConfig as BarFields,
  Options as BarOptions,
} from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type {
  FieldConfig as TableFields,
  Options as TableOptions,
} from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type {
  FieldConfig as SeriesFields,
  Options as SeriesOptions,
} from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Plain<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends number | boolean | null | undefined
      ? T
      : { [K in keyof T]: Plain<T[K]> };

interface PanelOf<Kind extends string, Options, Fields> extends Omit<Panel, 'type' | 'options' | 'fieldConfig'> {
  type: Kind;
  options: Partial<Options>;
  fieldConfig: {
    defaults: Omit<FieldConfig, 'custom'> & { custom?: Partial<Fields> };
    overrides: FieldConfigSource['overrides'];
  };
}

type AnyPanel =
  | RowPanel
  | PanelOf<'stat', StatOptions, Record<string, never>>
  | PanelOf<'timeseries', SeriesOptions, SeriesFields>
  | PanelOf<'barchart', BarOptions, BarFields>
  | PanelOf<'table', TableOptions, TableFields>;

export type Board = Plain<Omit<Dashboard, 'panels'> & { panels: AnyPanel[] }>;
