// The version of the package; build.mjs puts it in.
declare const HOOKLINE_VERSION: string;

export const VERSION = HOOKLINE_VERSION;
