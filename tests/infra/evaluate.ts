/** What a snapshot leaves open until the deployment, worked out for a deployment that is made up here. */

export type Json = string | number | boolean | null | undefined | Json[] | { [name: string]: Json };

/** What Azure answers for resources that exist. */
export const HOST_NAME = 'mcp-contoso-d3f4.westeurope-01.azurewebsites.net';
export const PRINCIPAL_ID = '33333333-3333-3333-3333-333333333333';
export const IDENTITY_CLIENT_ID = '44444444-4444-4444-4444-444444444444';
export const CLIENT_ID = '55555555-5555-5555-5555-555555555555';

/** The properties that the template asks of resources, by a piece of the resource's ID. */
const ANSWERS: Record<string, Json> = {
  userAssignedIdentities: { clientId: IDENTITY_CLIENT_ID, principalId: PRINCIPAL_ID },
  storageAccounts: {
    primaryEndpoints: { blob: 'https://st.blob.core.windows.net/', table: 'https://st.table.core.windows.net/' },
  },
  vaults: { vaultUri: 'https://kv.vault.azure.net/' },
  components: {
    ConnectionString:
      'InstrumentationKey=77777777-7777-7777-7777-777777777777;IngestionEndpoint=https://westeurope.in.applicationinsights/',
  },
  sites: { defaultHostName: HOST_NAME },
  application: { appId: CLIENT_ID },
};

const FUNCTIONS: Record<string, (...args: Json[]) => Json> = {
  reference: id => {
    const parts = String(id).split('/');
    const found = Object.keys(ANSWERS).find(type => parts.includes(type));
    if (found === undefined) throw new Error(`Nothing is known of ${id}.`);
    return ANSWERS[found];
  },
  environment: () => ({
    name: 'AzureCloud',
    authentication: { loginEndpoint: 'https://login.microsoftonline.com/' },
    suffixes: { storage: 'core.windows.net', keyvaultDns: '.vault.azure.net' },
  }),
  format: (text, ...values) => String(text).replace(/\{(\d)\}/g, (_, index) => String(values[Number(index)])),
  replace: (text, from, to) => String(text).replaceAll(String(from), () => String(to)),
  split: (text, by) => String(text).split(String(by)),
  take: (list, count) => (list as Json[]).slice(0, Number(count)),
  join: (list, by) => (list as Json[]).join(String(by)),
  string: value => JSON.stringify(value),
  createObject: (...pairs) =>
    Object.fromEntries(
      pairs.flatMap((name, index): [string, Json][] => (index % 2 === 0 ? [[String(name), pairs[index + 1]]] : [])),
    ),
  resourceId: (...parts) => parts.join('/'),
  coalesce: (...values) => values.find(value => value !== null && value !== undefined),
  tryGet: (object, name) => (object as Record<string, Json>)[String(name)],
  newGuid: () => '01234567-89ab-cdef-0123-456789abcdef',
};

/** Every expression in a snapshot, however deep, replaced by its value. */
export function evaluated(value: Json): Json {
  if (typeof value === 'string') return /^\[\w+\(.*\]$/s.test(value) ? evaluate(value.slice(1, -1)) : value;
  if (Array.isArray(value)) return value.map(evaluated);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, evaluated(each)]));
}

/** An expression of the template language: strings, numbers, calls, and properties of what they give. */
function evaluate(expression: string): Json {
  let rest = expression;
  const take = (pattern: RegExp): string | undefined => {
    const found = pattern.exec(rest)?.[0];
    if (found !== undefined) rest = rest.slice(found.length);
    return found;
  };

  function next(): Json {
    const text = take(/^'(?:[^']|'')*'/);
    if (text !== undefined) return text.slice(1, -1).replaceAll("''", "'");
    const number = take(/^-?\d+/);
    if (number !== undefined) return Number(number);
    const name = take(/^\w+/) ?? '';
    const call = FUNCTIONS[name];
    if (!call || !take(/^\(/)) throw new Error(`${name || rest} is not known in: ${expression}`);
    const args: Json[] = [];
    while (!take(/^\)/)) {
      args.push(next());
      take(/^,\s*/);
    }
    let value = call(...args);
    for (let property = take(/^\.\w+/); property; property = take(/^\.\w+/)) {
      value = (value as Record<string, Json>)[property.slice(1)];
    }
    return value;
  }

  const value = next();
  if (rest !== '' || value === undefined) throw new Error(`Not understood: ${expression}`);
  return value;
}
