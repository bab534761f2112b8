/** This project's version; a test holds it against package.json, which the bundle need not carry. */
export const VERSION = '0.1.0';
