import type { ClickHouseSettings } from '@clickhouse/client';

/**
 * How every question and every insert goes to tables that are spread over a cluster. What a shard can answer from its own
 * rows it answers there; the rest is as right as on one server, and never of some shards only.
 */
export const clusterSettings: ClickHouseSettings = {
  // A subquery is worked out once, over all shards, and sent to each.
  distributed_product_mode: 'global',
  skip_unavailable_shards: 0,
  // Only the shards of the schools that are asked for.
  optimize_skip_unused_shards: 1,
  // An insert comes back when its shards have it, and most replicas of each.
  distributed_foreground_insert: 1,
  insert_quorum: 'auto',
  insert_quorum_timeout: 30_000,
  // A derivation is planned where it is asked: a shard does not know what another one inserts.
  parallel_distributed_insert_select: '0',
  // What was just inserted is read again from the replica that took it, as long as that one is there.
  prefer_localhost_replica: 1,
  load_balancing: 'in_order',
};
