import * as uWS from 'uws';
import { idleTimeoutMs, payloadBytesMax } from '../../ingest/protocol/limits.ts';

/*
 * The floor: a server of the same library that sends each binary frame, and each body of a POST, back as it came, and
 * does nothing else. It prints one JSON line when it listens, and ends with its standard input.
 */
const app = uWS.App();
app.ws('/v1/stream', {
  maxPayloadLength: payloadBytesMax,
  idleTimeout: idleTimeoutMs / 1000,
  message: (socket, message, isBinary) => {
    socket.send(message, isBinary);
  },
});
app.post('/v1/taps', (response) => {
  response.onAborted(() => undefined);
  let collected = Buffer.alloc(0);
  response.onData((chunk, isLast) => {
    if (isLast && collected.length === 0) response.end(chunk);
    else {
      collected = Buffer.concat([collected, Buffer.from(chunk)]);
      if (isLast) response.end(collected);
    }
  });
});
app.listen('127.0.0.1', 0, (socket) => {
  if (socket === false) throw new Error('the floor got no port');
  process.stdout.write(`${JSON.stringify({ port: uWS.us_socket_local_port(socket) })}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
