package redisdb

import "github.com/redis/go-redis/v9"

// ReadsReplicas reports whether a client may read from replicas, which lag
// behind: what is read there may be older than what was read before it.
func ReadsReplicas(client redis.UniversalClient) bool {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return false // of one server, which Check asks whether it is a replica
	}
	o := cluster.Options()
	return o.ReadOnly || o.RouteByLatency || o.RouteRandomly
}

// MastersHint says what to do about such a client.
const MastersHint = "give a client that reads from masters only, without ReadOnly, RouteByLatency and RouteRandomly: replicas lag behind"
