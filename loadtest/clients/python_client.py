"""A reader of the Tapline protocol, version 1, written from the protocol page alone.

It shares no code with the service: another language, another MessagePack, another WebSocket. What it proves is that the
page is enough. Standard output carries one JSON line an event; exit status 0 when all was as the page says, 1 when an
expectation failed or taps stayed unacknowledged, 2 for wrong use.

    python_client.py stream  --url U --reader R --key SEED --count N   taps from --first on, through any outage
    python_client.py check   --url U --reader R --key SEED             repeats, gap, conflict, unknown elements
"""

import argparse
import asyncio
import json
import struct
import sys
import time

import msgpack
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HELLO, TAPS, BEAT = 1, 2, 4
CHALLENGE, WELCOME, ACK, ERR, CREDIT = 128, 129, 130, 131, 132
ERR_GAP, ERR_NOT_NOW = 5, 8
ID_CONFLICT = 91
ANSWER_SECONDS = 20
BACKOFF_FIRST_SECONDS, BACKOFF_MAX_SECONDS = 0.1, 2.0


class Unexpected(Exception):
    """The server did what the page does not say."""


def say(**event):
    print(json.dumps(event), flush=True)


def expect(holds, what):
    if not holds:
        raise Unexpected(what)


class Session:
    """One welcomed connection. Received arrays are plain lists; bin is bytes."""

    def __init__(self, socket, welcome):
        self.socket = socket
        self.next_seq, self.credit, self.max_taps, self.max_bytes = welcome[2:6]

    @classmethod
    async def open(cls, options, next_seq):
        socket = await websockets.connect(options.url, max_size=1 << 20, compression=None, open_timeout=5)
        try:
            challenge = await receive(socket)
            expect(challenge[0] == CHALLENGE and len(challenge[1]) == 32, f"CHALLENGE expected, got {challenge}")
            await socket.send(hello(options, challenge[1], next_seq))
            welcome = await receive(socket)
            expect(welcome[0] == WELCOME, f"WELCOME expected, got {welcome}")
            return cls(socket, welcome)
        except BaseException:
            await socket.close()
            raise

    async def send_taps(self, first_seq, taps, extra=()):
        base_ms = taps[0][2]
        wire = [[uid, kind, at_ms - base_ms, amount, ref] for uid, kind, at_ms, amount, ref in taps]
        await self.socket.send(msgpack.packb([TAPS, first_seq, base_ms, wire, *extra], use_bin_type=True))

    async def answer(self):
        """The next ACK or ERR; CREDIT is taken in on the way."""
        while True:
            message = await receive(self.socket)
            if message[0] == CREDIT:
                self.credit = message[1]
                continue
            expect(message[0] in (ACK, ERR), f"ACK or ERR expected, got {message}")
            if message[0] == ACK:
                self.credit = message[2]
            return message


async def receive(socket):
    data = await asyncio.wait_for(socket.recv(), ANSWER_SECONDS)
    expect(isinstance(data, bytes), "a binary message expected")
    return msgpack.unpackb(data, raw=False, strict_map_key=True)


def hello(options, nonce, next_seq):
    signed = b"tapline.v1.hello" + nonce + struct.pack(">II", options.reader, options.epoch)
    signature = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(options.key)).sign(signed)
    clock_ms = int(time.time() * 1000)
    message = [HELLO, 1, options.reader, options.epoch, next_seq, clock_ms, "python 1", 0, signature]
    return msgpack.packb(message, use_bin_type=True)


def tap_of(options, seq):
    """The tap of a seq: always the same, so that a repeat after any outage has the same content."""
    uid = options.uids[seq % len(options.uids)]
    return (uid, options.kind, options.base_ms + seq * options.step_ms, options.amount or None, None)


class Streamer:
    """Sends seqs first … first+count-1, forgets what is at or below durableSeq, and comes back after every outage."""

    def __init__(self, options):
        self.options = options
        self.unacked = options.first
        self.last = options.first + options.count - 1
        self.answers = {}
        self.reconnects = -1
        self.repeated = 0
        self.changed = 0

    async def run(self):
        backoff = BACKOFF_FIRST_SECONDS
        give_up = time.monotonic() + self.options.patience
        while self.unacked <= self.last:
            before = self.unacked
            try:
                session = await Session.open(self.options, self.unacked)
                self.reconnects += 1
                try:
                    await self.drive(session)
                finally:
                    await session.socket.close()
            except (OSError, asyncio.TimeoutError, websockets.WebSocketException) as error:
                say(event="down", why=type(error).__name__, unacked=self.unacked)
            if self.unacked > before:
                give_up, backoff = time.monotonic() + self.options.patience, BACKOFF_FIRST_SECONDS
            expect(time.monotonic() < give_up, f"no progress beyond seq {self.unacked - 1}")
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, BACKOFF_MAX_SECONDS)

    async def drive(self, session):
        say(event="welcome", next_seq=session.next_seq, held_from=self.unacked)
        expect(session.next_seq >= self.unacked, "WELCOME goes back behind what was acknowledged")
        self.settle(session.next_seq - 1)
        to_send, in_flight, resume_at = self.unacked, [], 0.0
        while self.unacked <= self.last:
            while not resume_at and to_send <= self.last:
                size = min(self.options.frame, session.max_taps, self.last - to_send + 1)
                if sum(count for _, count in in_flight) + size > session.credit:
                    break
                await session.send_taps(to_send, [tap_of(self.options, to_send + place) for place in range(size)])
                in_flight.append((to_send, size))
                to_send += size
                if self.options.pause:
                    await asyncio.sleep(self.options.pause)
                    break
            if not in_flight:
                await asyncio.sleep(max(0.0, resume_at - time.monotonic()))
                to_send, resume_at = self.unacked, 0.0
                continue
            message = await session.answer()
            if message[0] == ERR:
                say(event="err", code=message[1], message=message[2])
                expect(message[1] in (ERR_GAP, ERR_NOT_NOW), f"ERR {message[1]}: {message[2]}")
                in_flight.pop()
                resume_at = time.monotonic() + (message[4] or 0) / 1000 + 0.001
                continue
            expect((message[3], len(message[4])) in in_flight, f"ACK of {message[3]} answers nothing that was sent")
            in_flight.remove((message[3], len(message[4])))
            self.take(message)

    def take(self, ack):
        _, durable_seq, _, first_seq, codes = ack[:5]
        for place, code in enumerate(codes):
            seq = first_seq + place
            if self.answers.setdefault(seq, code) != code:
                self.changed += 1
        say(event="ack", durable=durable_seq, first=first_seq, codes=list(codes))
        self.settle(durable_seq)

    def settle(self, durable_seq):
        self.unacked = max(self.unacked, min(durable_seq, self.last) + 1)


async def stream(options):
    streamer = Streamer(options)
    await streamer.run()
    # Ask again for what the server must remember, also what was only told by WELCOME.
    session = await Session.open(options, streamer.last + 1)
    expect(session.next_seq == streamer.last + 1, f"WELCOME.nextSeq {session.next_seq} at the end")
    for first in range(max(options.first, streamer.last - 4095), streamer.last + 1, options.frame):
        size = min(options.frame, streamer.last - first + 1)
        await session.send_taps(first, [tap_of(options, first + place) for place in range(size)])
        answer = await session.answer()
        expect(answer[0] == ACK and answer[3] == first, f"a repeat of {first} was answered {answer[:4]}")
        streamer.take(answer)
        streamer.repeated += size
    await session.socket.close()
    say(
        event="done",
        acked=options.count,
        answered=len(streamer.answers),
        reconnects=streamer.reconnects,
        repeated=streamer.repeated,
        changed=streamer.changed,
    )
    expect(streamer.changed == 0, f"{streamer.changed} answers changed")


async def check(options):
    session = await Session.open(options, 1)
    first = session.next_seq
    taps = [tap_of(options, first + place) for place in range(3)]

    await session.send_taps(first, taps)
    ack = await session.answer()
    expect(ack[0] == ACK and ack[1] == first + 2 and ack[3] == first and len(ack[4]) == 3, f"first ACK: {ack}")
    codes = ack[4]
    say(event="checked", what="ack", codes=list(codes))

    await session.send_taps(first, taps)
    ack = await session.answer()
    expect(ack[0] == ACK and ack[4] == codes and ack[1] == first + 2, f"a repeat got {ack}")
    say(event="checked", what="repeat")

    await session.send_taps(first + 1, taps[1:] + [tap_of(options, first + 3)])
    ack = await session.answer()
    expect(ack[0] == ACK and ack[4][:2] == codes[1:] and ack[1] == first + 3, f"a partial repeat got {ack}")
    say(event="checked", what="partial repeat")

    await session.send_taps(first + 9, taps[:1])
    err = await session.answer()
    expect(err[0] == ERR and err[1] == ERR_GAP and err[3] is False, f"a gap got {err}")
    expect(str(first + 4) in err[2], f"the gap's message does not name {first + 4}: {err[2]}")
    say(event="checked", what="gap", message=err[2])

    uid, kind, at_ms, amount, ref = taps[0]
    await session.send_taps(first, [(uid, kind, at_ms + 1_000, amount, ref)])
    ack = await session.answer()
    expect(ack[0] == ACK and list(ack[4]) == [ID_CONFLICT] and ack[1] == first + 3, f"a conflict got {ack}")
    say(event="checked", what="conflict")

    await session.send_taps(first + 4, [tap_of(options, first + 4)], extra=("from a newer reader", None))
    ack = await session.answer()
    expect(ack[0] == ACK and ack[1] == first + 4, f"unknown trailing elements got {ack}")
    say(event="checked", what="unknown elements")

    beat = msgpack.packb([BEAT, int(time.time() * 1000), 0, None, 0])
    await session.socket.send(beat)
    await session.socket.send(msgpack.packb({"a": 1}))
    err = await session.answer()
    expect(err[0] == ERR and err[1] == 1 and err[3] is False and err[5] == 0, f"a map got {err}")
    say(event="checked", what="malformed", message=err[2])

    newer = await Session.open(options, first + 5)
    expect(newer.next_seq == first + 5, f"WELCOME.nextSeq {newer.next_seq} instead of {first + 5}")
    err = await session.answer()
    expect(err[0] == ERR and err[1] == 9 and err[3] is True, f"a superseded connection got {err}")
    await newer.socket.close()
    say(event="done", acked=5)


def arguments():
    parser = argparse.ArgumentParser(description="A reader written from the protocol page alone.")
    parser.add_argument("command", choices=["stream", "check"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--reader", type=int, required=True)
    parser.add_argument("--key", required=True, help="Ed25519 seed, 64 hex digits")
    parser.add_argument("--uids", required=True, help="card UIDs in hex, separated by commas")
    parser.add_argument("--epoch", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="the first seq")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--frame", type=int, default=1, help="taps in a frame")
    parser.add_argument("--kind", type=int, default=1)
    parser.add_argument("--amount", type=int, default=0, help="kopecks")
    parser.add_argument("--base-ms", type=int, default=int(time.time() * 1000) - 3_600_000)
    parser.add_argument("--step-ms", type=int, default=6_000, help="reader time between two taps")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two frames")
    parser.add_argument("--patience", type=float, default=30.0, help="seconds without progress before giving up")
    options = parser.parse_args()
    options.uids = [bytes.fromhex(uid) for uid in options.uids.split(",")]
    return options


def main():
    options = arguments()
    try:
        asyncio.run(stream(options) if options.command == "stream" else check(options))
    except Unexpected as error:
        say(event="failed", why=str(error))
        return 1
    except (OSError, asyncio.TimeoutError, websockets.WebSocketException) as error:
        say(event="failed", why=f"{type(error).__name__}: {error}")
        return 1
    return 0


sys.exit(main())
