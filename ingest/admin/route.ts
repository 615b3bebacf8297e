import { z } from 'zod';
import type { AdminIdentity, Role } from '../registry/tokens.ts';
import type { Service } from '../service.ts';
import type { EventStream } from './event-stream.ts';
import type { SchoolCalendar } from './school-calendar.ts';
import type { TapLookup } from '../journal-lookup/tap-lookup.ts';
import type { RegionKeys } from './region-keys.ts';
import type { Turns } from './turns.ts';

/** What routes work with; `caller` is who asks. */
export interface Desk {
  readonly service: Service;
  readonly calendar: SchoolCalendar;
  readonly taps: TapLookup;
  /** Reservations of lockers are made one at a time. */
  readonly lockerTurns: Turns;
  readonly keys: RegionKeys;
}
export type Context = Desk & { readonly caller: AdminIdentity };

/** Of a route that takes no parameters, no query, no body. */
export const nothing = z.strictObject({});
type Nothing = typeof nothing;

export interface Input<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly parameters: z.output<P>;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
}

/** What a route gets when its types are not at hand. */
export type AnyInput = Input<z.ZodObject, z.ZodObject, z.ZodType>;

/** One row of the table: what a path takes, who may use it, what it answers. */
interface RouteBasics<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType> {
  /** The operation's id in OpenAPI, and its name in the audit. */
  readonly name: string;
  readonly method: 'get' | 'post';
  /** With parameters in braces: `/admin/v1/account/{pupil}`. */
  readonly path: `/admin/v1/${string}`;
  readonly summary: string;
  /** Who may use it beside `admin`, who may use all. */
  readonly roles: readonly Role[];
  /** In the order of the path. */
  readonly parameters?: P;
  readonly query?: Q;
  readonly body?: B;
  /**
   * The schools that the request concerns, asked for callers that are bound to one school: they are refused if it is
   * another. A route without this is refused to them; one that concerns no school says `() => []`.
   */
  schools?(input: Input<P, Q, B>, desk: Desk): Promise<readonly number[]> | readonly number[];
}

export interface JsonRoute<
  P extends z.ZodObject = z.ZodObject,
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> extends RouteBasics<P, Q, B> {
  readonly response: R;
  /** Throws OperatorError; exit status 1 becomes 409 (404 for `…_UNKNOWN`), 2 becomes 400, 3 becomes 503. */
  answer(input: Input<P, Q, B>, context: Context): Promise<z.output<R>> | z.output<R>;
  /** Of a POST: what the audit keeps in place of the whole input and the whole answer. */
  readonly audit?: {
    request?(input: Input<P, Q, B>): unknown;
    outcome?(answer: z.output<R>): unknown;
    ok?(answer: z.output<R>): boolean;
  };
}

/** A GET whose answer goes on: server-sent events. */
export interface StreamRoute<
  P extends z.ZodObject = z.ZodObject,
  Q extends z.ZodObject = z.ZodObject,
> extends RouteBasics<P, Q, z.ZodType> {
  readonly method: 'get';
  /** What is in the `data` of an event. */
  readonly event: z.ZodType;
  /** Called after authorization. Sends what it likes until `stream.isOver`; throws OperatorError before the first event. */
  open(stream: EventStream, input: Input<P, Q, z.ZodType>, context: Context): Promise<void> | void;
}

export type Route = JsonRoute | StreamRoute;

/** Declares a route; the schemas give the types of `answer`. */
export function route<
  P extends z.ZodObject = Nothing,
  Q extends z.ZodObject = Nothing,
  B extends z.ZodType = Nothing,
  R extends z.ZodType = z.ZodType,
>(declared: JsonRoute<P, Q, B, R>): Route {
  return declared;
}

/** Declares a route that streams. */
export function streamRoute<P extends z.ZodObject = Nothing, Q extends z.ZodObject = Nothing>(
  declared: StreamRoute<P, Q>,
): Route {
  return declared;
}
