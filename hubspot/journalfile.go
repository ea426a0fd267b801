package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

// maxJournalFile bounds a file; HubSpot makes them of 5 MB at most.
const maxJournalFile = 16 << 20

// journalLive is the age up to which an event is news. An older one is part of
// a backlog, which must not delay what happens now.
const journalLive = 5 * time.Minute

// journalRef is where a file lies for the time being.
type journalRef struct {
	URL    string `json:"url"`
	Offset string `json:"currentOffset"`
}

// journalFile is one file of the journal.
type journalFile struct {
	offset string
	events []json.RawMessage
	broken bool // it is there and cannot be read
}

// read returns the file that the operation leads to, nil if there is none. The
// address lasts for a while only, so HubSpot is asked for another one once.
func (j *Journal) read(ctx context.Context, op operation, offset string) (*journalFile, error) {
	for again := false; ; again = true {
		var ref journalRef
		if _, err := j.client.call(ctx, op, target{id: offset}, nil, &ref); err != nil {
			return nil, err
		}
		if ref.URL == "" {
			return nil, nil
		}
		if err := j.checkRef(op, ref); err != nil {
			return nil, err
		}
		file, status, err := j.download(ctx, ref)
		if again || status < 400 || status > 499 {
			return file, err
		}
	}
}

// checkRef refuses an address that HubSpot would not give.
func (j *Journal) checkRef(op operation, ref journalRef) error {
	u, err := url.Parse(ref.URL)
	if err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == j.scheme) &&
		ref.Offset != "" && journalCursor.MatchString(string(cursorAfter(ref.Offset))) {
		return nil
	}
	return &sync.Error{Op: op.String(), Action: sync.Fatal, Rule: "journal.ref",
		Hint: "check JournalOptions.BaseURL: a file's address is not https, or its offset has an unknown form"}
}

// download fetches a file. A status other than 2xx is returned with the error.
func (j *Journal) download(ctx context.Context, ref journalRef) (*journalFile, int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var body struct {
		Events []json.RawMessage `json:"journalEvents"`
	}
	res, err := j.files.Do(ctx, http.MethodGet, ref.URL, nil, nil, &body)
	var malformed *httpx.BodyError
	switch {
	case errors.As(err, &malformed):
		j.log.Error("hubspot: a file of the journal cannot be read and is passed over", "offset", ref.Offset, "error", err)
		return &journalFile{offset: ref.Offset, broken: true}, 0, nil
	case err != nil:
		return nil, 0, fileError(err)
	case !res.OK():
		return nil, res.Status, fileError(fmt.Errorf("the store of files answered %d", res.Status))
	}
	return &journalFile{offset: ref.Offset, events: body.Events}, 0, nil
}

func fileError(err error) error {
	return &sync.Error{Op: "hubspot: journal file", Action: sync.Retry, Err: err}
}

// changes returns what to look at after the events of a file.
func (j *Journal) changes(file *journalFile) []sync.Change {
	var changes []sync.Change
	malformed := 0
	for _, data := range file.events {
		var e journalEvent
		if json.Unmarshal(data, &e) != nil {
			malformed++
			continue
		}
		if j.portal != "" && e.PortalID != j.portal {
			continue
		}
		for _, ref := range e.refs(j.kinds) {
			changes = append(changes, e.change(ref, sync.Text(string(data)).Digest()))
		}
	}
	if malformed > 0 {
		j.log.Warn("hubspot: events of the journal are malformed", "offset", file.offset, "events", malformed)
	}
	return changes
}

// journalEvent is one event: of a record, or of two that are associated.
// Source: https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/guide
type journalEvent struct {
	PortalID         id                         `json:"portalId"`
	OccurredAt       string                     `json:"occurredAt"`
	Action           string                     `json:"action"`
	ObjectTypeID     string                     `json:"objectTypeId"`
	ObjectID         id                         `json:"objectId"`
	MergedObjectIDs  []id                       `json:"mergedObjectIds"`
	PropertyChanges  map[string]json.RawMessage `json:"propertyChanges"`
	FromObjectTypeID string                     `json:"fromObjectTypeId"`
	FromObjectID     id                         `json:"fromObjectId"`
	ToObjectTypeID   string                     `json:"toObjectTypeId"`
	ToObjectID       id                         `json:"toObjectId"`
}

// refs returns the records of the kinds that the event is about: after a merge
// the surviving one and all that it absorbed.
func (e *journalEvent) refs(kinds map[string]sync.Kind) []sync.Ref {
	var refs []sync.Ref
	add := func(typeID string, i id) {
		ref := sync.Ref{System: System, Kind: kinds[typeID], ID: string(i)}
		if ref.Kind != "" && i != "" && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	add(e.ObjectTypeID, e.ObjectID)
	for _, i := range e.MergedObjectIDs {
		add(e.ObjectTypeID, i)
	}
	add(e.FromObjectTypeID, e.FromObjectID)
	add(e.ToObjectTypeID, e.ToObjectID)
	return refs
}

// change builds the change for one record. Events have no name of their own,
// so the ID holds a digest of the whole event.
func (e *journalEvent) change(ref sync.Ref, digest string) sync.Change {
	at := parseTime(e.OccurredAt)
	c := sync.Change{
		ID:         fmt.Sprintf("hubspot:journal:%s:%s:%s", ref.Kind, ref.ID, digest),
		Ref:        ref,
		Reason:     sync.ReasonJournal,
		OccurredAt: at,
		Priority:   sync.Sweep,
		Witness:    e.witness(ref.ID),
	}
	if time.Since(at) < journalLive {
		c.Priority = sync.Live
	}
	return c
}

// witness returns what the event claims of a record. Only a creation and an
// update whose values are all told claim anything.
func (e *journalEvent) witness(i string) map[string]string {
	claims := map[string]string{}
	switch e.Action {
	case "CREATE":
		claims[sync.IDField] = sync.Text(i).Digest()
	case "UPDATE":
	default:
		return nil
	}
	for name, data := range e.PropertyChanges {
		var v sync.Value
		if string(data) == `"REDACTED"` || v.UnmarshalJSON(data) != nil {
			return nil
		}
		claims[name] = v.Digest()
	}
	return claims
}
