package sqlitequeue

import (
	"crypto/sha256"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// seen remembers IDs for [queue.Memory], and up to a day longer: by the day,
// because a day is forgotten as a whole. The file holds the same in the order
// in which they came. An index there would be written to at random places,
// which costs more than all the rest of a message.
type seen map[int64]map[hash]struct{}

// A hash stands for an ID.
type hash [16]byte

func hashAll(msgs []sync.Message) []hash {
	hashes := make([]hash, len(msgs))
	for i := range msgs {
		sum := sha256.Sum256([]byte(msgs[i].ID))
		hashes[i] = hash(sum[:len(hash{})])
	}
	return hashes
}

const day = 24 * time.Hour

func dayOf(now time.Time) int64 { return now.Unix() / int64(day/time.Second) }

// load reads what the file remembers.
func (s seen) load(tx *sqlitedb.Tx) error {
	return tx.Query(func(r sqlitedb.Row) error {
		today := s.on(r.Int(0))
		for b := r.Bytes(1); len(b) >= len(hash{}); b = b[len(hash{}):] {
			today[hash(b)] = struct{}{}
		}
		return nil
	}, "SELECT day, hashes FROM seen")
}

// on returns the set of a day.
func (s seen) on(day int64) map[hash]struct{} {
	set, ok := s[day]
	if !ok {
		set = map[hash]struct{}{}
		s[day] = set
	}
	return set
}

// knows reports whether a day has the hash.
func (s seen) knows(h hash) bool {
	for _, set := range s {
		if _, ok := set[h]; ok {
			return true
		}
	}
	return false
}

// add remembers the hashes and returns the indexes of those that were new.
func (s seen) add(tx *sqlitedb.Tx, now time.Time, hashes []hash) ([]int, error) {
	s.expire(now)
	today := s.on(dayOf(now))
	fresh, row := make([]int, 0, len(hashes)), make([]byte, 0, len(hash{})*len(hashes))
	for i, h := range hashes {
		if s.knows(h) {
			continue
		}
		today[h] = struct{}{}
		fresh, row = append(fresh, i), append(row, h[:]...)
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	tx.Undo(func() {
		for _, i := range fresh {
			delete(today, hashes[i])
		}
	})
	_, err := tx.Exec("INSERT INTO seen (day, hashes) VALUES (?, ?)", dayOf(now), row)
	return fresh, err
}

// oldest is the first day that must be remembered.
func oldest(now time.Time) int64 { return dayOf(now) - int64(queue.Memory/day) }

// expire forgets in memory, when a new day begins, the days that are over.
func (s seen) expire(now time.Time) {
	if _, ok := s[dayOf(now)]; ok {
		return
	}
	for d := range s {
		if d < oldest(now) {
			delete(s, d)
		}
	}
}

// sweep removes some of the rows that are over from the file. Being called
// with every heartbeat it keeps up with all that come.
func (s seen) sweep(tx *sqlitedb.Tx, now time.Time) error {
	first, err := tx.One("SELECT day FROM seen ORDER BY n LIMIT 1")
	if err != nil || first == nil || first.Int(0) >= oldest(now) {
		return err
	}
	const some = 10_000
	_, err = tx.Exec("DELETE FROM seen WHERE day < ? AND n < ? + (SELECT n FROM seen ORDER BY n LIMIT 1)", oldest(now), int64(some))
	return err
}
