/**
 * This project's version; a test holds it against package.json, which the bundle need not carry.
 *
 * @example
 * ```ts
 * import { VERSION } from 'entra-mcp-functions';
 *
 * console.log(`Sign-in by entra-mcp-functions ${VERSION}`);
 * ```
 */
export const VERSION = '0.1.0';
