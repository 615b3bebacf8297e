/** How often the journals are looked at for new blocks. */
export const pollIntervalMs = 100;

/** Bytes of the journals that are read before questions get their turn. */
export const readBytesMax = 8 * 1024 * 1024;

/** How often what was counted is written to its file; what came since is read again after a crash. */
export const saveIntervalMs = 10_000;

/** School days that are counted; beyond, the oldest are let go, and nothing is said of them. */
export const schoolDaysMax = 500_000;

/** How long a question may wait until the journals are read up to what is durable; then it is answered from what is. */
export const catchUpTimeoutMs = 100;

/** How long the thread may take over one question before it counts as dead. */
export const answerTimeoutMs = 5_000;

export const restartDelayMinMs = 100;
export const restartDelayMaxMs = 5_000;
export const heapMbMax = 512;

/** Days that one question may be about. */
export const daysAskedMax = 400;
