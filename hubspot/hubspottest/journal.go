package hubspottest

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// journal is the app's log of changes in every account, in files that a reader walks by offset.
// https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/guide
type journal struct {
	clock *Clock
	flush time.Duration
	most  int // events in a file

	mu        sync.Mutex
	rand      *rand.Rand
	subs      []*journalSub
	lastID    int64
	waiting   []*journalEvent
	since     time.Time         // when the first of them came
	streams   map[int64]*stream // by account; 0 is the global one
	snapshots map[string]*snapshot
	lanes     map[string]*window // own rate limits
}

const (
	journalRetention = 72 * time.Hour
	journalFileBytes = 5 << 20
)

// stream is what one reader walks through: the whole app's journal or that of one account.
type stream struct{ files []*journalFile }

// journalFile is a closed file.
type journalFile struct {
	offset    string
	published time.Time
	events    []json.RawMessage
	size      int
}

// journalEvent is one element of a file.
type journalEvent struct {
	Type            string             `json:"type"`
	PortalID        int64              `json:"portalId"`
	OccurredAt      string             `json:"occurredAt"`
	Action          string             `json:"action"`
	ObjectTypeID    string             `json:"objectTypeId,omitempty"`
	ObjectID        int64              `json:"objectId,omitempty"`
	PropertyChanges map[string]*string `json:"propertyChanges,omitempty"`
	MergedObjectIDs []int64            `json:"mergedObjectIds,omitempty"`
	*journalLink

	at    time.Time
	write int64
	seen  map[string]string // the record's values when filters look at them
}

// journalLink is what an association event has instead of an object.
type journalLink struct {
	FromTypeID string `json:"fromObjectTypeId"`
	FromID     int64  `json:"fromObjectId"`
	ToTypeID   string `json:"toObjectTypeId"`
	ToID       int64  `json:"toObjectId"`
	TypeID     int    `json:"associationTypeId"`
	Category   string `json:"associationCategory"`
	Primary    bool   `json:"isPrimary"`
}

func newJournal(clock *Clock, o Options) *journal {
	return &journal{
		clock: clock, flush: o.App.JournalFlush, most: o.App.JournalBatch, rand: rand.New(rand.NewPCG(o.Seed, 6)),
		streams: map[int64]*stream{}, snapshots: map[string]*snapshot{}, lanes: map[string]*window{},
	}
}

// idle reports whether nobody subscribed, so that events need not be made.
func (j *journal) idle() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.subs) == 0
}

// record takes note of an event. What one write changes becomes one event.
func (j *journal) record(e *journalEvent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := len(j.waiting); n > 0 && j.waiting[n-1].absorb(e) {
		return
	}
	j.append(e)
}

// append lets an event wait for its file. The lock is held.
func (j *journal) append(e *journalEvent) {
	now := j.clock.Now()
	if len(j.waiting) > 0 && now.Sub(j.since) >= j.flush {
		j.publish()
	}
	if len(j.waiting) == 0 {
		j.since = now
	}
	j.waiting = append(j.waiting, e)
}

// absorb adds a property that the same write changed.
func (e *journalEvent) absorb(next *journalEvent) bool {
	same := next.Action == "UPDATE" && (e.Action == "UPDATE" || e.Action == "CREATE") && e.PortalID == next.PortalID &&
		e.ObjectTypeID == next.ObjectTypeID && e.ObjectID == next.ObjectID && e.write == next.write
	if !same {
		return false
	}
	for name := range next.PropertyChanges {
		if _, twice := e.PropertyChanges[name]; twice {
			return false
		}
	}
	if e.PropertyChanges == nil {
		e.PropertyChanges = map[string]*string{}
	}
	maps.Copy(e.PropertyChanges, next.PropertyChanges)
	e.seen = next.seen
	return true
}

// publish closes files of what waits and is subscribed to. The lock is held.
func (j *journal) publish() {
	all, byAccount := []*journalEvent{}, map[int64][]*journalEvent{}
	for _, e := range j.waiting {
		if e = j.wanted(e); e != nil {
			all = append(all, e)
			byAccount[e.PortalID] = append(byAccount[e.PortalID], e)
		}
	}
	j.waiting = nil
	j.write(0, all)
	for _, id := range slices.Sorted(maps.Keys(byAccount)) {
		j.write(id, byAccount[id])
	}
}

// write appends events to a stream, in as many files as their number and size want.
func (j *journal) write(account int64, events []*journalEvent) {
	var file *journalFile
	for _, e := range events {
		line, _ := json.Marshal(e)
		if file == nil || len(file.events) >= j.most || file.size+len(line) > journalFileBytes {
			file = &journalFile{offset: uuid(j.rand), published: j.clock.Now()}
			s := j.stream(account)
			s.files = append(s.files, file)
		}
		file.events = append(file.events, line)
		file.size += len(line) + 1
	}
}

func (j *journal) stream(account int64) *stream {
	if j.streams[account] == nil {
		j.streams[account] = &stream{}
	}
	return j.streams[account]
}

// read publishes what waits, forgets what is older than three days and hands the files to look.
func (j *journal) read(account int64, look func([]*journalFile) response) response {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.publish()
	s := j.stream(account)
	s.prune(j.clock.Now())
	return look(s.files)
}

func (s *stream) prune(now time.Time) {
	kept := slices.IndexFunc(s.files, func(f *journalFile) bool { return now.Sub(f.published) < journalRetention })
	if kept < 0 {
		kept = len(s.files)
	}
	s.files = s.files[kept:]
}

// filesAfter are the files behind an offset; false when the offset is unknown or too old.
func filesAfter(files []*journalFile, offset string) ([]*journalFile, bool) {
	i := slices.IndexFunc(files, func(f *journalFile) bool { return f.offset == offset })
	return files[i+1:], i >= 0
}

// file finds a file that is still kept, for whoever has its address.
func (j *journal) file(offset string) (*journalFile, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.streams {
		s.prune(j.clock.Now())
		for _, f := range s.files {
			if f.offset == offset {
				return f, true
			}
		}
	}
	return nil, false
}

// journalRates are the requests a second that the app has of each kind; the account's quotas do not count them.
var journalRates = map[string]int{"journal": 100, "journal-local": 100, "subscriptions": 50, "snapshots": 10}

// limit is the refusal of a request too many, with the time to wait. The two journals share a limit.
func (j *journal) limit(area string) (time.Duration, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	most := journalRates[area]
	if area == "journal-local" {
		area = "journal"
	}
	if j.lanes[area] == nil {
		j.lanes[area] = &window{}
	}
	now := j.clock.Now()
	if j.lanes[area].take(now, time.Second, most) {
		return 0, false
	}
	return j.lanes[area].wait(now, time.Second), true
}
