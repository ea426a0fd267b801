package hubspottest

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// locks refuse writes on a record that gets too many of them in a second: 423 for two seconds.
// https://developers.hubspot.com/docs/api-reference/error-handling
type locks struct {
	clock *Clock
	limit int // 0 means no limit

	mu     sync.Mutex
	writes map[string]*window
	until  map[string]time.Time
}

const lockTime = 2 * time.Second

func newLocks(clock *Clock, o Options) *locks {
	return &locks{clock: clock, limit: o.RecordWrites, writes: map[string]*window{}, until: map[string]time.Time{}}
}

// refuse counts a request's writes and reports whether one of its records is locked. A refused write counts for nothing.
func (l *locks) refuse(method, path string, body []byte) (response, bool) {
	if l.limit == 0 {
		return response{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now, locked := l.clock.Now(), false
	for _, record := range recordsOf(method, path, body) {
		if l.writes[record] == nil {
			l.writes[record] = &window{}
		}
		if now.Before(l.until[record]) {
			locked = true
		} else if !l.writes[record].take(now, time.Second, l.limit) {
			l.until[record] = now.Add(lockTime)
			locked = true
		}
	}
	return failure(http.StatusLocked, "", lockedMessage), locked
}

// recordsOf are the records that a call changes: the one its path names, or those of a batch.
func recordsOf(method, path string, body []byte) []string {
	parts := unversioned(path) // crm, objects, type, id
	if len(parts) < 4 || parts[1] != "objects" || typeNamed(parts[2]) == nil {
		return nil
	}
	of := typeNamed(parts[2]).plural + "/"
	if len(parts) == 4 && method == http.MethodPatch {
		return []string{of + parts[3]}
	}
	if parts[3] != "batch" || len(parts) != 5 || parts[4] != "update" && parts[4] != "upsert" {
		return nil
	}
	var batch struct {
		Inputs []struct{ ID string } `json:"inputs"`
	}
	if json.Unmarshal(body, &batch) != nil {
		return nil // the handler says what is wrong with it
	}
	var records []string
	for _, in := range batch.Inputs {
		records = append(records, of+in.ID)
	}
	return records
}
