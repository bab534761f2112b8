/** The committed snapshots, as tests read them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluated, type Json } from './evaluate.ts';

export interface Resource {
  type: string;
  /** Absent for those of Microsoft Graph. */
  id?: string;
  name?: string;
  kind?: string;
  tags?: Record<string, string>;
  properties: Record<string, Json>;
}

export interface Snapshot {
  scenario: string;
  /** What `azd env set` sets for it. */
  environment: Record<string, string>;
  resources: Resource[];
  outputs: Record<string, string>;
  /** As it is committed. */
  text: string;
  /** The one resource of a type; its name may tell which. */
  the(type: string, name?: string): Resource;
  all(type: string): Resource[];
}

const folder = import.meta.dirname;

export const SNAPSHOTS: readonly Snapshot[] = readdirSync(join(folder, 'snapshots')).map(file => {
  const text = readFileSync(join(folder, 'snapshots', file), 'utf8');
  const { predictedResources, outputs } = JSON.parse(text) as { predictedResources: Resource[]; outputs: Json };
  const resources = predictedResources.map(each => ({
    ...each,
    ...(each.name === undefined ? {} : { name: String(evaluated(each.name)) }),
    properties: evaluated(each.properties ?? {}) as Resource['properties'],
  }));
  const all = (type: string) => resources.filter(each => each.type === type);
  return {
    scenario: file.replace('.json', ''),
    environment: JSON.parse(readFileSync(join(folder, 'scenarios', file), 'utf8')),
    resources,
    outputs: evaluated(outputs) as Record<string, string>,
    text,
    all,
    the: (type, name) => {
      const [found, ...others] = all(type).filter(each => name === undefined || each.name?.endsWith(`/${name}`));
      if (!found || others.length > 0) throw new Error(`${file} has not one ${type} ${name ?? ''}.`);
      return found;
    },
  };
});
