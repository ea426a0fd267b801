package bird

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// A fingerprint stands for the state of a record. The zero one is that of none.
type fingerprint [16]byte

// fingerprintOf tells apart what a list shows of a record: the fields asked for,
// and numbers that move when something else changes.
func fingerprintOf(fields sync.Fields, more ...int64) fingerprint {
	h := sha256.New()
	var size [8]byte
	write := func(s string) {
		binary.BigEndian.PutUint64(size[:], uint64(len(s)))
		h.Write(size[:])
		h.Write([]byte(s))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		write(name)
		write(fields[name].String())
	}
	for _, n := range more {
		h.Write(binary.BigEndian.AppendUint64(size[:0], uint64(n)))
	}
	return fingerprint(h.Sum(nil))
}

// String returns half of the fingerprint, which tells two states of one record
// apart.
func (f fingerprint) String() string { return hex.EncodeToString(f[:8]) }

// A uuid is the id of a record.
type uuid [16]byte

// uuidOf returns the UUID of an id, if the id can be had back from it.
func uuidOf(id string) (u uuid, ok bool) {
	data, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(data) != len(u) {
		return u, false
	}
	u = uuid(data)
	return u, u.id() == id
}

func (u uuid) id() string {
	s := hex.EncodeToString(u[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
