package hubspottest

import (
	"strconv"
	"strings"
	"time"
)

// Actor is who made a change, in the vendor's words.
// https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide
type Actor struct {
	// Source is the change source: INTEGRATION, CRM_UI, IMPORT, AUTOMATION_PLATFORM …
	Source string
	// ID tells actors of one source apart: an app id, or "userId:1".
	ID string
	// Label is the name people see.
	Label string
}

// User is a person in the vendor's user interface.
func User(id int) Actor { return Actor{"CRM_UI", "userId:" + strconv.Itoa(id), ""} }

// Workflow is the vendor's own automation.
func Workflow(id string) Actor { return Actor{"AUTOMATION_PLATFORM", id, ""} }

// app is an app that writes through the API.
func app(id int64) Actor {
	return Actor{"INTEGRATION", strconv.FormatInt(id, 10), "App " + strconv.FormatInt(id, 10)}
}

// Revision is one value a property had.
type Revision struct {
	Value string
	At    time.Time
	By    Actor
}

// wireRevision is a revision as the API shows it.
type wireRevision struct {
	Value           string `json:"value"`
	Timestamp       string `json:"timestamp"`
	SourceType      string `json:"sourceType"`
	SourceID        string `json:"sourceId,omitempty"`
	SourceLabel     string `json:"sourceLabel,omitempty"`
	UpdatedByUserID int    `json:"updatedByUserId,omitempty"`
}

func (r Revision) wire() wireRevision {
	w := wireRevision{
		Value: r.Value, Timestamp: r.At.Format(timeLayout),
		SourceType: r.By.Source, SourceID: r.By.ID, SourceLabel: r.By.Label,
	}
	if id, ok := strings.CutPrefix(r.By.ID, "userId:"); ok {
		w.UpdatedByUserID, _ = strconv.Atoi(id)
	}
	return w
}

// wireHistory is the history of a property, newest first.
func (a *Account) wireHistory(o *object, property string) []wireRevision {
	all := o.history[property]
	out := make([]wireRevision, 0, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		r := all[i]
		r.Value = a.shown(o.typ, property, r.Value)
		out = append(out, r.wire())
	}
	return out
}
