import { blockBytesMax, blockHeaderBytes, sectionHeaderBytes } from '../journal/limits.ts';
import { tapRecordBytes } from '../journal/tap-record.ts';
import { transferRecordBytes } from '../journal/transfer-record.ts';

/** Taps of one batch: what one write and one sync make durable together. */
export const batchTapsMax = 8_192;

/** Commands of one batch. */
export const batchCommandsMax = 4_096;

/** Transfers that one tap can make. */
export const transfersPerTapMax = 2;

const batchBytes = batchTapsMax * (tapRecordBytes + transfersPerTapMax * transferRecordBytes);
if (blockHeaderBytes + 4 * sectionHeaderBytes + batchBytes > blockBytesMax) {
  throw new RangeError('the largest batch must fit into one block');
}
