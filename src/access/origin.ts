/**
 * Which web pages may call the MCP endpoint (MCP, "Streamable HTTP", security
 * warning). The endpoint reads no cookie, so this guards against DNS rebinding
 * and against pages that nobody meant, not against forged requests.
 */
export type OriginRule = (origin: string) => boolean;

/**
 * A server on loopback serves pages on loopback only. Any other serves exactly
 * those of `allowedOrigins` where the list holds some, and every https origin
 * where it does not. What is no origin at all, `null` included, is refused.
 *
 * @param publicOrigin where people reach this server
 */
export function createOriginRule(options: { publicOrigin: string; allowedOrigins?: readonly string[] }): OriginRule {
  const listed = new Set(options.allowedOrigins);
  const onLoopback = isLoopback(new URL(options.publicOrigin));
  return origin => {
    const url = URL.canParse(origin) ? new URL(origin) : undefined;
    // Browsers send an origin as the URL standard serializes it, and so must everybody.
    if (!url || url.origin !== origin) return false;
    if (onLoopback) return isLoopback(url);
    return listed.size > 0 ? listed.has(origin) : url.protocol === 'https:';
  };
}

/** Only names and addresses that never leave the machine (RFC 6761 section 6.3, RFC 8252 section 7.3). */
function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$|^\[::1\]$/.test(hostname);
}
