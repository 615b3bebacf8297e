/** One insert or one question may take this long before its reply counts as lost. */
export const rosterTimeoutMs = 30_000;

/** Rows of one insert of schools, classes or readers that are written between two turns of the event loop. */
export const tableSliceRows = 1_000;
