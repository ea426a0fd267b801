package redisqueue

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// A sequence number is a counter, the place of the message among those that one
// call pushed to its shard, and how many of them are in its pack, less one. So
// the pack of a message is known from its number alone. The counter follows the
// time, in ticks of 64 µs, so that it never comes back after the server lost its
// newest writes.
const (
	countBits = 9
	placeBits = 9
	// maxCounter is the first counter that a sequence number cannot hold, of the
	// year 2112.
	maxCounter = 1 << (64 - placeBits - countBits)
	// lastPlace is behind all that are given: a batch is smaller.
	lastPlace = 1<<placeBits - 1
	// packSize is the most messages of a pack.
	packSize = 1 << countBits
)

// A packID names a pack: an entry of a stream that holds what one call pushed to
// it, and is removed when all of it is done. The stream's ID of it is
// "counter-count".
type packID struct {
	counter uint64
	count   int
}

// packOf returns the pack of a sequence number.
func packOf(seq uint64) packID {
	return packID{seq >> (placeBits + countBits), int(seq%packSize) + 1}
}

// placeOf returns the place of a sequence number.
func placeOf(seq uint64) int { return int(seq >> countBits % (1 << placeBits)) }

// seq returns the sequence number of a place in the pack.
func (p packID) seq(place int) uint64 {
	return p.counter<<(placeBits+countBits) | uint64(place)<<countBits | uint64(p.count-1)
}

func (p packID) String() string {
	return strconv.FormatUint(p.counter, 10) + "-" + strconv.Itoa(p.count)
}

// parsePackID reads what String wrote. Nothing else is the ID of a pack.
func parsePackID(id string) (packID, bool) {
	left, right, _ := strings.Cut(id, "-")
	counter, err1 := strconv.ParseUint(left, 10, 64)
	count, err2 := strconv.Atoi(right)
	ok := err1 == nil && err2 == nil && counter < maxCounter && count > 0 && count <= packSize
	return packID{counter, count}, ok
}

// A bitmap tells which places of a pack are done. Two bytes before the bits say
// how many they are.
type bitmap string

func (b bitmap) has(place int) bool {
	const head = 2
	at := head + place/8
	return at < len(b) && b[at]>>(place%8)&1 == 1
}

// A mask is the bits of places, without their number.
type mask []byte

// add sets the bit of a place that is not set yet.
func (m mask) add(place int) mask {
	for len(m) <= place/8 {
		m = append(m, 0)
	}
	m[place/8] |= 1 << (place % 8)
	return m
}

// first returns the first place, of at least one.
func (m mask) first() int {
	at := 0
	for m[at] == 0 {
		at++
	}
	return 8*at + bits.TrailingZeros8(m[at])
}

// A frame is a message in a pack: its place, and the message encoded.
type frame struct {
	place int
	text  string
}

// appendFrame adds a message to the body of a pack.
func appendFrame(body []byte, place int, m *sync.Message) []byte {
	body = binary.AppendUvarint(body, uint64(place))
	body = binary.AppendUvarint(body, uint64(encodedLen(m)))
	return appendMessage(body, m)
}

// frameLen is how long appendFrame makes a body.
func frameLen(place int, m *sync.Message) int {
	n := encodedLen(m)
	return uvarintLen(uint64(place)) + uvarintLen(uint64(n)) + n
}

func uvarintLen(n uint64) int { return (bits.Len64(n|1) + 6) / 7 }

// frames adds the messages of a body to a list. There are fewer than there
// should be if it makes no sense from somewhere on, which is the rest, and none
// if there would be more.
func (p packID) frames(list []frame, body string) (_ []frame, rest string) {
	d := decoder{text: body}
	last := -1
	for n := 0; d.text != ""; n++ {
		rest = d.text
		place, text := d.uvarint(), d.string()
		switch {
		case n == p.count:
			return nil, body
		case d.bad || place >= 1<<placeBits || int(place) <= last:
			return list, rest
		}
		last = int(place)
		list = append(list, frame{last, text})
	}
	return list, ""
}
