package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// payloadSize is the length of every message in bytes, as the peers are given
// it; each adds what it needs.
const payloadSize = 200

// A message is what all engines carry: the key and the sequence number in
// text, filled up to payloadSize.
type message struct {
	key     int
	seq     int
	payload []byte
}

// id is the message's name for those that drop doubles.
func (m *message) id() string { return "event-" + strconv.Itoa(m.seq) }

// keyName is the key for those that have keys.
func keyName(key int) string { return "crm/contact/" + strconv.Itoa(key) }

func newMessage(key, seq int) message {
	p := bytes.Repeat([]byte{'x'}, payloadSize)
	copy(p, fmt.Appendf(nil, "%08d%012d", key, seq))
	return message{key, seq, p}
}

// parse reads the numbers of a payload that came back.
func parse(payload []byte) (key, seq int, err error) {
	if len(payload) != payloadSize {
		return 0, 0, fmt.Errorf("a payload of %d bytes came back", len(payload))
	}
	if key, err = digits(payload[:8]); err == nil {
		seq, err = digits(payload[8:20])
	}
	return key, seq, err
}

func digits(text []byte) (n int, err error) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%q came back, which is no number", text)
		}
		n = n*10 + int(c-'0')
	}
	return n, nil
}

// A pattern says over how many keys messages are spread and which percentage
// of them goes to key 0.
type pattern struct {
	Name string `json:"name"`
	Keys int    `json:"keys"`
	Hot  int    `json:"hot_percent"`
}

var (
	uniform = pattern{"uniform", 10_000, 0}
	hot     = pattern{"hot key", 10_000, 50}
)

// key spreads the sequence numbers evenly; neighbours get different keys.
func (p pattern) key(seq int) int {
	if spread := seq * 7919 % (100 * p.Keys); spread%100 >= p.Hot {
		return spread / 100
	}
	return 0
}

// make returns the messages [from, to) in the order they are pushed.
func (p pattern) make(from, to int) []message {
	msgs := make([]message, 0, to-from)
	for seq := from; seq < to; seq++ {
		msgs = append(msgs, newMessage(p.key(seq), seq))
	}
	return msgs
}
