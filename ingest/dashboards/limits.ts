/** Bounds of the dashboards' thread and of what it asks of the service. */

export const dashboardsPortDefault = 8090;

/** How often the thread is told the service's clock, and how often it says what it has answered. */
export const clockIntervalMs = 100;
export const tellIntervalMs = 1_000;
/** Answered questions that wait to be told; beyond, they are left out of the metrics. */
export const toldRequestsMax = 10_000;

export const heapMbMax = 1_024;
export const restartDelayMinMs = 200;
export const restartDelayMaxMs = 10_000;
/** A thread that lived for so long begins again at once when it dies. */
export const steadyAfterMs = 60_000;
export const stopTimeoutMs = 3_000;

/** Questions to the service that wait for its answer; further ones are refused with SERVICE_BUSY. */
export const questionsWaitingMax = 32;
/** How long the service may take over an answer, or over its next part. */
export const answerTimeoutMs = 5_000;
/** School days that the service works out at once, and tells at once: acknowledgements have their turn in between. */
export const schoolDaysPerPartMax = 1_000;

/** A ClickHouse that is silent for so long does not answer: longer than it may take over a question (`queryLimits`). */
export const clickhouseTimeoutMs = 12_000;

/** For how long the looks of one person at one list of pupils are one entry of the audit; how many are remembered. */
export const listLookMs = 10 * 60_000;
export const listLooksMax = 10_000;

/** How long the thread waits for another writer of the registry, an import say. */
export const registryBusyTimeoutMs = 3_000;
/** How old what is remembered of schools and classes may be. */
export const registryAgeMs = 2_000;
/** Ids that the registry is asked for in one query. */
export const idsPerQueryMax = 1_000;
