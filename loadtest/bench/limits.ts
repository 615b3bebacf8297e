/** Every bound of the benches, in one place, unit last. */
export const benchLimits = {
  secondsMax: 120,
  roundsMax: 50,
  /** Before a window is measured: long enough for the compiler to have seen the way of a frame. */
  warmMs: 2_000,
  warmQuickMs: 300,
  /** The grid of the open loop: frames due within one step are due at its end. */
  paceStepMs: 1,
  /** Of what saturation gave, the share that the open loop sends. */
  paceShare: 0.5,
  answersWithinMs: 20_000,
  storedWithinMs: 120_000,
  storedPollMs: 100,
  /** After connections come or go, and before memory is read. */
  settleMs: 1_500,
  settleQuickMs: 300,
  /** Kopecks that each purse begins with: no purse runs dry within a run. */
  openingKop: 500_000_000,
  /** Readers' time before now at which a run begins, and what lies between two uses of a reader. */
  firstTapBeforeMs: 20 * 86_400_000,
  betweenPhasesMs: 3_600_000,
  /** Readers of a region beyond those used: its lockers, buses and tills. */
  regionReadersSpare: 400,
  floorReadyWithinMs: 10_000,
  savedFileBytesMax: 16 * 1024 * 1024,
  responseHeadBytesMax: 16_384,
  latencyMicrosMax: 600_000_000,
} as const;
