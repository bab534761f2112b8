import { describeError } from '../log.ts';
import type { ToolContext } from './define-tool.ts';
import { withTimeLimit } from './time-limit.ts';

/** What Microsoft Graph tells of a person; what is absent is not known, or could not be had. */
export interface GraphProfile {
  readonly jobTitle?: string;
  readonly office?: string;
  /** As a data URI. */
  readonly photo?: string;
}

type Context = Pick<ToolContext, 'tokenFor' | 'graph' | 'signal' | 'log'>;

/** How long Graph is waited for, in milliseconds. */
const TIME_LIMIT_MS = 3_000;
/** The largest photo that is shown, in bytes; those of 48 pixels have two thousand. */
const LARGEST_PHOTO = 64 * 1024;
const PHOTO_TYPE = /^image\/(jpeg|png|gif|webp)$/;

/** Asks Graph about the person who calls. Never fails: what cannot be had is left out. */
export async function graphProfile(context: Context): Promise<GraphProfile> {
  const { log, signal } = context;
  try {
    return await withTimeLimit(TIME_LIMIT_MS, signal, async limited => {
      const { token } = await context.tokenFor(['User.Read']);
      const get = (path: string) =>
        context.graph.fetch(`${context.graph.url}${path}`, {
          redirect: 'error',
          signal: limited,
          headers: { authorization: `Bearer ${token}` },
        });
      const [job, photo] = await Promise.allSettled([
        get('/me?$select=jobTitle,officeLocation').then(readJob),
        get('/me/photos/48x48/$value').then(readPhoto),
      ]);
      for (const { status, ...rest } of [job, photo]) {
        if (status === 'rejected' && 'reason' in rest)
          log.debug('Graph told nothing', { reason: describeError(rest.reason) });
      }
      return {
        ...(job.status === 'fulfilled' ? job.value : {}),
        ...(photo.status === 'fulfilled' && photo.value ? { photo: photo.value } : {}),
      };
    });
  } catch (error) {
    log.info('profile without Graph', { reason: describeError(error) });
    return {};
  }
}

async function readJob(response: Response): Promise<Pick<GraphProfile, 'jobTitle' | 'office'>> {
  if (response.status !== 200) return discard(response, {});
  const { jobTitle, officeLocation } = (await response.json()) as Record<string, unknown>;
  return {
    ...(typeof jobTitle === 'string' ? { jobTitle } : {}),
    ...(typeof officeLocation === 'string' ? { office: officeLocation } : {}),
  };
}

async function readPhoto(response: Response): Promise<string | undefined> {
  const type = response.headers.get('content-type')?.split(';')[0]?.trim() ?? '';
  if (response.status !== 200 || !response.body || !PHOTO_TYPE.test(type)) return discard(response, undefined);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.byteLength;
    if (length > LARGEST_PHOTO) return undefined;
    chunks.push(chunk);
  }
  return `data:${type};base64,${Buffer.concat(chunks).toString('base64')}`;
}

/** Lets go of an answer whose body nobody reads. */
async function discard<T>(response: Response, instead: T): Promise<T> {
  await response.body?.cancel();
  return instead;
}
