/** A parent to be killed: starts the engine over the folder that is named and says its process id. */
import { EmbeddedClickHouse } from './embedded.ts';

const engine = await EmbeddedClickHouse.start({ directory: process.argv[2] });
process.stdout.write(`${engine.pid}\n`);
