package sqlitequeue

import (
	"bytes"
	"encoding/binary"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/sync"
)

// A pack is a row that holds what one call pushed to one stream, and is removed
// when all of it is done. The sequence number of a message is that of its pack
// and, in the lower bits, its place in the call.
type pack struct {
	waiting int64
	done    bitmap
	body    []byte
	size    int // that the body is expected to have, at most
}

const (
	placeBits = 10
	packSize  = 1 << placeBits
)

// expect makes room for a message.
func (p *pack) expect(m *sync.Message) { p.size += frameMost + len(m.Key) + len(m.ID) + len(m.Payload) }

// add adds a message behind those before.
func (p *pack) add(place int, m *sync.Message) {
	if p.body == nil {
		p.body = make([]byte, 0, p.size)
	}
	p.waiting, p.done, p.body = p.waiting+1, p.done.wait(place), appendFrame(p.body, place, m)
}

// keep adds a message of another pack.
func (p *pack) keep(f frame) {
	p.waiting, p.done = p.waiting+1, p.done.wait(f.place)
	p.body = binary.AppendUvarint(p.body, uint64(f.place))
	p.body = binary.AppendUvarint(p.body, uint64(len(f.text)))
	p.body = append(p.body, f.text...)
}

func (p *pack) insert(tx *sqlitedb.Tx, pos int64) error {
	if _, err := tx.Exec("INSERT INTO pack (pos, waiting, done) VALUES (?, ?, ?)", pos, p.waiting, []byte(p.done)); err != nil {
		return err
	}
	_, err := tx.Exec("INSERT INTO body (pos, body) VALUES (?, ?)", pos, p.body)
	return err
}

// replace stores the pack in the place of another, or nothing if it is empty.
func (p *pack) replace(tx *sqlitedb.Tx, pos int64) error {
	if err := removePack(tx, pos); err != nil || p.waiting == 0 {
		return err
	}
	return p.insert(tx, pos)
}

func removePack(tx *sqlitedb.Tx, pos int64) error {
	if _, err := tx.Exec("DELETE FROM pack WHERE pos = ?", pos); err != nil {
		return err
	}
	_, err := tx.Exec("DELETE FROM body WHERE pos = ?", pos)
	return err
}

// packOf returns the position of the pack that holds a position.
func packOf(pos int64) int64 { return pos &^ (packSize - 1) }

// placeOf returns the place of a position in its pack.
func placeOf(pos int64) int { return int(pos & (packSize - 1)) }

// A bitmap has a bit for each place of a pack, which is 0 where a message waits.
type bitmap []byte

// wait notes that a message waits at a place, which is above those before.
func (b bitmap) wait(place int) bitmap {
	for len(b) <= place/8 {
		b = append(b, 0xff)
	}
	b[place/8] &^= 1 << (place % 8)
	return b
}

func (b bitmap) waits(place int) bool {
	return place/8 < len(b) && b[place/8]&(1<<(place%8)) == 0
}

// remove sets a bit, and reports whether a message waited there.
func (b bitmap) remove(place int) bool {
	waited := b.waits(place)
	if waited {
		b[place/8] |= 1 << (place % 8)
	}
	return waited
}

// A frame is a message in a pack: its place, and the rest encoded.
type frame struct {
	place int
	text  []byte
}

// frameMost is what a frame takes at most besides key, ID and payload.
const frameMost = 5 * binary.MaxVarintLen64

// appendFrame adds a message to the body of a pack.
func appendFrame(body []byte, place int, m *sync.Message) []byte {
	var at [binary.MaxVarintLen64]byte
	n := binary.PutVarint(at[:], micros(m.EnqueuedAt))
	size := uvarintLen(len(m.Key)) + len(m.Key) + uvarintLen(len(m.ID)) + len(m.ID) + n + len(m.Payload)
	body = binary.AppendUvarint(body, uint64(place))
	body = binary.AppendUvarint(body, uint64(size))
	body = binary.AppendUvarint(body, uint64(len(m.Key)))
	body = append(body, m.Key...)
	body = binary.AppendUvarint(body, uint64(len(m.ID)))
	body = append(body, m.ID...)
	body = append(body, at[:n]...)
	return append(body, m.Payload...)
}

func uvarintLen(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// frames gives every message of a body to a function until that returns false.
// It returns the rest of a body that makes no sense from there on.
func frames(body []byte, each func(frame) bool) (rest []byte) {
	last := -1
	for len(body) > 0 {
		rest = body
		place, ok1 := uvarint(&body)
		size, ok2 := uvarint(&body)
		if !ok1 || !ok2 || place >= packSize || int(place) <= last || size > uint64(len(body)) {
			return rest
		}
		last = int(place)
		if !each(frame{last, body[:size:size]}) {
			return nil
		}
		body = body[size:]
	}
	return nil
}

func uvarint(b *[]byte) (uint64, bool) {
	n, size := binary.Uvarint(*b)
	if size <= 0 {
		return 0, false
	}
	*b = (*b)[size:]
	return n, true
}

// key returns the key of the message, nil if the frame is damaged.
func (f *frame) key() []byte {
	rest := f.text
	key, _ := part(&rest)
	return key
}

// message decodes the frame, into memory of its own. What is damaged is told
// by an empty key or ID.
func (f *frame) message(p sync.Priority) sync.Message {
	rest := f.text
	key, ok1 := part(&rest)
	afterKey := len(f.text) - len(rest)
	id, ok2 := part(&rest)
	afterID := len(f.text) - len(rest)
	at, size := binary.Varint(rest)
	if !ok1 || !ok2 || size <= 0 {
		return sync.Message{Key: string(key), Priority: p}
	}
	names := string(f.text[:afterID]) // one piece of memory for both
	return sync.Message{ID: names[afterID-len(id):], Key: names[afterKey-len(key) : afterKey], Priority: p,
		EnqueuedAt: fromMicros(at), Payload: bytes.Clone(rest[size:])}
}

// part takes a text from the front.
func part(b *[]byte) ([]byte, bool) {
	n, ok := uvarint(b)
	if !ok || n > uint64(len(*b)) {
		return nil, false
	}
	text := (*b)[:n]
	*b = (*b)[n:]
	return text, true
}
