package sync

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// newID returns a random identifier of 128 bits.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// FactKey returns the key under which a fact is recorded: a UUID (version 8)
// made of its ID alone, so that every attempt gives the same one.
func FactKey(f Fact) string {
	b := sha256.Sum256([]byte("crmsync fact\x00" + f.ID))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
