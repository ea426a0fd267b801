package redisqueue

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// field is the only field of a stream's entries; it holds the message.
const field = "m"

// version begins every stored message.
const version = 1

var errCorrupt = errors.New("the entry is not one that this library wrote")

// beginning is how the messages of a key begin: with the version and the key.
func beginning(key string) []byte {
	b := make([]byte, 0, 2+len(key))
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(key)))
	return append(b, key...)
}

// encode writes a message, all but its priority.
func encode(m *sync.Message) []byte {
	b := make([]byte, 0, 24+len(m.Key)+len(m.ID)+len(m.Payload))
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(m.Key)))
	b = append(b, m.Key...)
	b = binary.AppendUvarint(b, uint64(len(m.ID)))
	b = append(b, m.ID...)
	b = binary.AppendVarint(b, m.EnqueuedAt.UnixMicro())
	return append(b, m.Payload...)
}

// decode reads what encode wrote.
func decode(text string, p sync.Priority) (sync.Message, error) {
	d := decoder{text: text}
	if d.byte() != version {
		return sync.Message{}, errCorrupt
	}
	m := sync.Message{Priority: p, Key: d.string(), ID: d.string(), EnqueuedAt: d.time()}
	if d.bad || m.Key == "" || m.ID == "" {
		return sync.Message{}, errCorrupt
	}
	m.Payload = []byte(d.text)
	return m, nil
}

// A decoder takes a text apart from its front.
type decoder struct {
	text string
	bad  bool
}

func (d *decoder) take(n uint64) string {
	if d.bad || n > uint64(len(d.text)) {
		d.bad = true
		return ""
	}
	s := d.text[:n]
	d.text = d.text[n:]
	return s
}

func (d *decoder) byte() byte {
	if s := d.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint([]byte(d.text[:min(len(d.text), binary.MaxVarintLen64)]))
	if size <= 0 {
		d.bad = true
		return 0
	}
	d.take(uint64(size))
	return n
}

func (d *decoder) string() string { return d.take(d.uvarint()) }

func (d *decoder) time() time.Time {
	n := d.uvarint() // zigzag, as AppendVarint writes
	return time.UnixMicro(int64(n>>1) ^ -int64(n&1)).UTC()
}

// parseID returns the sequence number of a stream's ID. One that the log did
// not give has none, and the nearest number that is not greater is returned.
func parseID(id string) (seq uint64, ok bool) {
	left, right, _ := strings.Cut(id, "-")
	counter, err1 := strconv.ParseUint(left, 10, 64)
	bucket, err2 := strconv.ParseUint(right, 10, 64)
	if err1 != nil || err2 != nil || counter >= maxCounter || bucket >= buckets {
		return min(counter, maxCounter-1)<<bucketBits | min(bucket, buckets-1), false
	}
	return counter<<bucketBits | bucket, true
}

// A heldRecord is how [queue.Held] is stored. Shard and priority tell the
// statistics which key sleeps.
type heldRecord struct {
	Shard    int            `json:"shard"`
	RetryAt  time.Time      `json:"retry_at,omitzero"`
	Attempts int            `json:"attempts,omitempty"`
	History  []sync.Failure `json:"history,omitempty"`
}

func encodeHeld(shard int, h queue.Held) ([]byte, error) {
	return json.Marshal(heldRecord{shard, h.RetryAt, h.Attempts, h.History})
}

func decodeHeld(text string) (heldRecord, error) {
	var h heldRecord
	err := json.Unmarshal([]byte(text), &h)
	return h, err
}

// A letterRecord is how [sync.DeadLetter] is stored.
type letterRecord struct {
	Priority sync.Priority  `json:"priority"`
	Message  []byte         `json:"message"`
	Attempts int            `json:"attempts,omitempty"`
	History  []sync.Failure `json:"history,omitempty"`
	DiedAt   time.Time      `json:"died_at"`
}

func encodeLetter(d *sync.DeadLetter) ([]byte, error) {
	return json.Marshal(letterRecord{d.Message.Priority, encode(&d.Message), d.Attempts, d.History, d.DiedAt})
}

func decodeLetter(text string) (sync.DeadLetter, error) {
	var r letterRecord
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return sync.DeadLetter{}, err
	}
	m, err := decode(string(r.Message), r.Priority)
	if err == nil && r.Priority >= sync.Priorities {
		err = errCorrupt
	}
	return sync.DeadLetter{Message: m, Attempts: r.Attempts, History: r.History, DiedAt: r.DiedAt}, err
}
