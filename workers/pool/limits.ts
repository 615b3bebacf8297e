/** Requests that wait for a shard's thread; the gateway keeps batches below this, so that only a defect meets it. */
export const requestsQueuedMax = 1_024;

/** A thread that died is replaced at once, and after further failures in growing steps. */
export const restartDelayMinMs = 20;
export const restartDelayMaxMs = 5_000;

/** Heap of a shard's thread, balances and answers not counted (they lie outside it); beyond it the thread is replaced. */
export const shardHeapMegabytesMax = 2_048;

/** Movements of a pupil that an account shows. */
export const movementsShownMax = 20;
