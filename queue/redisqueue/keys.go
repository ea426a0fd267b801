package redisqueue

import (
	"crypto/sha256"
	"strconv"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// A sequence number is a counter, kept in microseconds so that it never comes
// back after the server lost its newest writes, and the bucket of the key, so
// that an entry's index is known from its number alone. The stream's ID of an
// entry is "counter-bucket".
const (
	bucketBits = 11
	buckets    = 1 << bucketBits
	// maxCounter is the first counter that the numbers of Lua cannot hold.
	maxCounter = 1 << 53
)

// bucketOf returns the bucket of a key within its shard. Like [queue.ShardOf]
// it can never change.
func bucketOf(key string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a, then a finishing mix
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h >> (64 - bucketBits)
}

// entryID is the stream's ID of an entry.
func entryID(seq uint64) string {
	return strconv.FormatUint(seq>>bucketBits, 10) + "-" + strconv.FormatUint(seq%buckets, 10)
}

// lastCounter returns the counter of the last entry of a bucket that a
// sequence number does not precede, were there one for each.
func lastCounter(seq, bucket uint64) int64 {
	counter := int64(seq >> bucketBits)
	if bucket > seq%buckets {
		counter--
	}
	return counter
}

// keys names what the log keeps. What is in braces decides the slot in a
// cluster: the keys of one tag share it.
type keys struct {
	prefix  string
	shards  int
	spread  bool
	streams [][sync.Priorities]string
}

func newKeys(prefix string, shards int, spread bool) *keys {
	k := &keys{prefix: prefix, shards: shards, spread: spread, streams: make([][sync.Priorities]string, shards)}
	for shard := range k.streams {
		for p := range k.streams[shard] {
			k.streams[shard][p] = k.of(k.tag(shard), "s", strconv.Itoa(shard), strconv.Itoa(p))
		}
	}
	return k
}

// tags is how many tags there are.
func (k *keys) tags() int {
	if k.spread {
		return k.shards
	}
	return 1
}

// tag returns the tag of a shard.
func (k *keys) tag(shard int) int {
	if k.spread {
		return shard
	}
	return 0
}

// shardsOf returns the shards of a tag in ascending order.
func (k *keys) shardsOf(tag int) []int {
	if k.spread {
		return []int{tag}
	}
	all := make([]int, k.shards)
	for i := range all {
		all[i] = i
	}
	return all
}

// of names a key of a tag.
func (k *keys) of(tag int, parts ...string) string {
	name := "{" + k.prefix
	if k.spread {
		name += ":" + strconv.Itoa(tag)
	}
	name += "}"
	for _, p := range parts {
		name += ":" + p
	}
	return name
}

// common names a key of the log as a whole.
func (k *keys) common(part string) string { return "{" + k.prefix + "}:" + part }

func (k *keys) stream(shard int, p sync.Priority) string { return k.streams[shard][p] }

// index is the list of the counters of a bucket's entries, in order.
func (k *keys) index(shard int, p sync.Priority, bucket uint64) string {
	return k.streams[shard][p] + ":" + strconv.FormatUint(bucket, 10)
}

func (k *keys) owner(shard int) string { return k.of(k.tag(shard), "o", strconv.Itoa(shard)) }

// week is where the IDs are that were pushed in a span of [queue.Memory].
func (k *keys) week(tag int, number int64) string {
	return k.of(tag, "ids", strconv.FormatInt(number, 10))
}

// remembered is what is kept of a message's ID.
func remembered(id string) string {
	const long = 40
	if len(id) <= long {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256:" + string(sum[:])
}

func (k *keys) counter(tag int) string { return k.of(tag, "seq") }
func (k *keys) held(tag int) string    { return k.of(tag, "held") }
func (k *keys) dead(tag int) string    { return k.of(tag, "dead") }
func (k *keys) died(tag int) string    { return k.of(tag, "died") }
func (k *keys) members() string        { return k.common("members") }
func (k *keys) format() string         { return k.common("format") }
func (k *keys) wake() string           { return k.prefix + ":wake" }

// place returns where a message goes.
func (k *keys) place(m *sync.Message) (shard int, stream, index string, bucket uint64) {
	shard, bucket = queue.ShardOf(m.Key, k.shards), bucketOf(m.Key)
	return shard, k.stream(shard, m.Priority), k.index(shard, m.Priority, bucket), bucket
}
