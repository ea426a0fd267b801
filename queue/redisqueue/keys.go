package redisqueue

import (
	"crypto/sha256"
	"strconv"

	"github.com/urbanhub/crmsync/sync"
)

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

// heldName is the name of an entry among those that have failed before.
func (k *keys) heldName(shard int, p sync.Priority, seq uint64) string {
	return k.streams[shard][p] + ":" + packOf(seq).String() + ":" + strconv.Itoa(placeOf(seq))
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
func (k *keys) done(tag int) string    { return k.of(tag, "done") }
func (k *keys) waiting(tag int) string { return k.of(tag, "waiting") }
func (k *keys) dead(tag int) string    { return k.of(tag, "dead") }
func (k *keys) died(tag int) string    { return k.of(tag, "died") }
func (k *keys) members() string        { return k.common("members") }
func (k *keys) format() string         { return k.common("format") }
func (k *keys) wake() string           { return k.prefix + ":wake" }
