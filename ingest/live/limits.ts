/** Pupils whose names the registry is asked for in one query. */
export const namesPerQueryMax = 1_000;
