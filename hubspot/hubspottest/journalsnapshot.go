package hubspottest

import (
	"strconv"
	"time"
)

// snapshot is the state of one record, which arrives in the journal.
type snapshot struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	InitiatedAt string `json:"initiatedAt"`
	CompletedAt string `json:"completedAt,omitempty"`
	ErrorCode   string `json:"errorCode,omitempty"`
	Message     string `json:"message,omitempty"`

	at time.Time
}

type snapshotRequest struct {
	PortalID     int64    `json:"portalId"`
	ObjectTypeID string   `json:"objectTypeId"`
	ObjectID     int64    `json:"objectId"`
	Properties   []string `json:"properties,omitempty"`
	StatusID     string   `json:"snapshotStatusId,omitempty"`
}

func (a *Account) snapshotRoutes(base string) []route {
	return []route{{pattern: "POST " + base + "/crm", handle: a.takeSnapshots}}
}

// takeSnapshots writes the asked records into the journal.
// https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/snapshots/guide
func (a *Account) takeSnapshots(q *request) response {
	var in struct {
		Requests []snapshotRequest `json:"snapshotRequests"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	out := []snapshotRequest{}
	for _, asked := range in.Requests {
		asked.StatusID = a.server.journal.snap(asked, a.sought(asked))
		asked.Properties = nil
		out = append(out, asked)
	}
	return ok(map[string]any{"snapshotResponses": out})
}

// sought are the values of the record that a request asks for; nil when there is none. The account's own lock is held.
func (a *Account) sought(asked snapshotRequest) map[string]string {
	holder, typ := a.server.account(asked.PortalID), typeNamed(asked.ObjectTypeID)
	if holder == nil || typ == nil {
		return nil
	}
	if holder != a {
		holder.mu.Lock()
		defer holder.mu.Unlock()
	}
	if o := holder.stores[typ].find(strconv.FormatInt(asked.ObjectID, 10), true); o != nil {
		return o.values()
	}
	return nil
}

// snap books a snapshot and returns the id of its status.
func (j *journal) snap(q snapshotRequest, values map[string]string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.clock.Now().Truncate(time.Millisecond)
	snap := &snapshot{ID: uuid(j.rand), InitiatedAt: now.Format(timeLayout), at: now}
	j.snapshots[snap.ID] = snap
	if values == nil {
		snap.ErrorCode, snap.Message = "VALIDATION_ERROR", "The record does not exist."
		return snap.ID
	}
	shown := map[string]*string{}
	for _, name := range q.Properties {
		shown[name] = orNull(values[name])
	}
	j.append(&journalEvent{
		Type: "crmObject", PortalID: q.PortalID, OccurredAt: snap.InitiatedAt, Action: "SNAPSHOT",
		ObjectTypeID: q.ObjectTypeID, ObjectID: q.ObjectID, PropertyChanges: shown, at: now,
	})
	return snap.ID
}

// snapshotStatus tells how far a snapshot is: it takes as long as the journal gathers events.
func (a *Account) snapshotStatus(q *request) response {
	a.server.journal.mu.Lock()
	defer a.server.journal.mu.Unlock()
	snap := a.server.journal.snapshots[q.PathValue("id")]
	if snap == nil {
		return resourceNotFound()
	}
	out, done := *snap, snap.at.Add(a.server.journal.flush)
	switch {
	case out.ErrorCode != "":
		out.Status, out.CompletedAt = "FAILED", out.InitiatedAt
	case a.clock.Now().Before(done):
		out.Status = "IN_PROGRESS"
	default:
		out.Status, out.CompletedAt = "SUCCESS", done.Format(timeLayout)
	}
	return ok(out)
}
