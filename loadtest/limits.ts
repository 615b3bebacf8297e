/** Every bound of the load tools, in one place, unit last. */
export const limits = {
  /** A school year and a margin: each day keeps two files open while a region is written. */
  regionDaysMax: 400,
  regionReadersMax: 20_000,
  /** Text kept back before it goes to a file. */
  fileBufferChars: 1 << 20,
  /** The largest import or data file that is read whole. */
  inputFileBytesMax: 512 * 1024 * 1024,

  /** How often due taps are moved from the plan to the readers. */
  fleetTickMs: 10,
  fleetOrderedTickMs: 2,
  progressEveryMs: 1_000,
  beatEveryMs: 30_000,
  /** At a clock that runs fast a reader beats by that clock, but not more often than this. */
  beatEveryMsMin: 50,
  connectTimeoutMs: 10_000,
  connectsAtOnceMax: 512,
  /** Without any answer for so long while taps are in flight, a reader hangs up and connects anew. */
  answerTimeoutMs: 20_000,
  /** A reader without a connection for so long decides by itself and flags its taps as deeds. */
  offlineAfterMs: 2_000,
  backoffFirstMs: 100,
  /** Where the service's clock stands meanwhile, nobody gains by waiting. */
  backoffSharedMs: 4,
  /** Simulated time that counts as a wall millisecond between two losses of a connection, where the clock stands. */
  cutMsShared: 360,
  backoffMaxMs: 5_000,
  retryDefaultMs: 250,
  /** Without progress for so long after the last tap was made, the fleet gives up on what is left. */
  drainMs: 60_000,
  /** Repeats of acknowledged frames that a reader keeps waiting to send. */
  repeatsQueuedMax: 64,
  /** A tap on the wire is never longer: array head, uid 12, kind 1, delta 9, amount 9, ref 5, flags 2. */
  tapBytesMax: 40,
  frameHeadBytesMax: 32,
  /** Beyond this distance from the frame's base a tap starts a new frame. */
  tapDeltaMsMax: 2 ** 31 - 1,
  ackLatencyMicrosMax: 600_000_000,

  saturateConnectionsMax: 5_000,
  saturateSecondsMax: 3_600,
  /** Distinct cards a connection cycles through, and the reader's time between two frames: a card returns after more
   * than the longest bounce of a till or gate, so that every tap is decided in full. */
  saturateCardsPerConnection: 64,
  saturateStepMs: 250,

  /** Registry changes reach a running service within this time. */
  registrySettleMs: 6_000,
  autoPaymentsPerRequestMax: 500,
  /** Command lines that run at one time. */
  commandsAtOnceMax: 3,
  /** Days of one proof of the answers. */
  proofDaysMax: 60,
  /** One answer of the dashboards, and how often a service that is busy is asked again. */
  answerWithinMs: 60_000,
  answerTriesMax: 40,
  childOutputBytesMax: 64 * 1024 * 1024,
} as const;
