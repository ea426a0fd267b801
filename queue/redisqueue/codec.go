package redisqueue

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// field is the only field of a stream's entries; it holds the messages.
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
func encode(m *sync.Message) []byte { return appendMessage(make([]byte, 0, encodedLen(m)), m) }

func appendMessage(b []byte, m *sync.Message) []byte {
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(m.Key)))
	b = append(b, m.Key...)
	b = binary.AppendUvarint(b, uint64(len(m.ID)))
	b = append(b, m.ID...)
	b = binary.AppendVarint(b, m.EnqueuedAt.UnixMicro())
	return append(b, m.Payload...)
}

// encodedLen is how long encode makes a message.
func encodedLen(m *sync.Message) int {
	at := m.EnqueuedAt.UnixMicro()
	zigzag := uint64(at<<1) ^ uint64(at>>63)
	return 1 + uvarintLen(uint64(len(m.Key))) + len(m.Key) + uvarintLen(uint64(len(m.ID))) + len(m.ID) + uvarintLen(zigzag) + len(m.Payload)
}

// decode reads what encode wrote. The message keeps nothing of the text, which
// may be a part of something large.
func decode(text string, p sync.Priority) (sync.Message, error) {
	d := decoder{text: text}
	if d.byte() != version {
		return sync.Message{}, errCorrupt
	}
	names := d.text
	key, id := d.string(), d.string()
	names = strings.Clone(names[:len(names)-len(d.text)])
	at := d.time()
	if d.bad || key == "" || id == "" {
		return sync.Message{}, errCorrupt
	}
	from := uvarintLen(uint64(len(key)))
	return sync.Message{Priority: p, Key: names[from : from+len(key)], ID: names[len(names)-len(id):],
		EnqueuedAt: at, Payload: []byte(d.text)}, nil
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

// A heldRecord is how [queue.Held] is stored. The shard tells the
// statistics where to look for its key.
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
