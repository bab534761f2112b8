import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

/** What Application Insights was sent, as far as tests look at it. */
export interface Item {
  name: string;
  sampleRate: number;
  tags: Record<string, string>;
  data: {
    baseData: {
      name: string;
      id: string;
      success: boolean;
      duration: string;
      properties: Record<string, string>;
      metrics?: { name: string; value: number }[];
    };
  };
}

/** Stands in for Application Insights, on loopback. */
export interface Insights extends AsyncDisposable {
  /** Settings that lead there. */
  readonly settings: Record<string, string>;
  /** Everything that came, as text. */
  readonly bodies: string[];
  /** Authorization headers that came. */
  readonly tokens: (string | undefined)[];
  /** With what it answers. */
  status: number;
  spans(): Item[];
  /** The sum of a counter, by kind. */
  counted(counter: string): Record<string, number>;
}

export async function startInsights(): Promise<Insights> {
  const bodies: string[] = [];
  const tokens: (string | undefined)[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
    tokens.push(incoming.headers.authorization);
    bodies.push(gunzipSync(body).toString());
    outgoing.writeHead(insights.status).end('{}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const items = () => bodies.flatMap(body => JSON.parse(body) as Item[]);
  const insights: Insights = {
    settings: {
      APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=http://127.0.0.1:${port}/`,
    },
    bodies,
    tokens,
    status: 200,
    spans: () => items().filter(({ name }) => name.endsWith('RemoteDependency')),
    counted(counter) {
      const sums: Record<string, number> = {};
      for (const { baseData } of items().map(({ data }) => data)) {
        for (const { name, value } of baseData.metrics ?? []) {
          const { kind = '' } = baseData.properties;
          if (name === counter) sums[kind] = (sums[kind] ?? 0) + value;
        }
      }
      return sums;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
  return insights;
}
