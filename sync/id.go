package sync

import (
	"crypto/rand"
	"encoding/hex"
)

// newID returns a random identifier of 128 bits.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
