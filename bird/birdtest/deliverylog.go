package birdtest

import (
	"net/http"
	"slices"
	"time"
)

// deliveryLog is what a subscription's log tells of one webhook.
type deliveryLog struct {
	RequestID       string `json:"requestId"`
	AttemptCount    int    `json:"attemptCount"`
	HTTPStatusCode  int    `json:"httpStatusCode"`
	ExecutionStatus string `json:"executionStatus"`
	CreatedAt       string `json:"createdAt"`

	seq      int
	at       time.Time
	attempts []attempt
}

// attempt is one try of a delivery.
type attempt struct {
	RequestID      string `json:"requestId"`
	HTTPStatusCode int    `json:"httpStatusCode"`
	CreatedAt      string `json:"createdAt"`
}

// logAge is how long failures are kept.
const logAge = 7 * 24 * time.Hour

// begin notes an attempt and returns its request id.
func (s *Server) begin(entry *deliveryLog) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := entry.RequestID
	if s.opts.FreshRequestIDs && entry.AttemptCount > 0 {
		id = s.uuid()
	}
	entry.AttemptCount++
	entry.ExecutionStatus = "failed"
	entry.attempts = append(entry.attempts, attempt{RequestID: id, CreatedAt: s.now().Format(timeLayout)})
	return id
}

// end notes the answer to the last attempt and reports whether it settles the
// delivery. An attempt without an answer keeps the status 0.
func (s *Server) end(entry *deliveryLog, status int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry.HTTPStatusCode = status
	entry.attempts[len(entry.attempts)-1].HTTPStatusCode = status
	if status/100 == 2 {
		entry.ExecutionStatus = "succeeded"
	}
	return status/100 == 2
}

func (s *Server) listDeliveries(r request, sub *subscription) reply {
	wanted := r.query.Get("executionStatus")
	kept := slices.DeleteFunc(slices.Clone(sub.logs), func(d *deliveryLog) bool {
		old := d.ExecutionStatus != "succeeded" && s.now().Sub(d.at) > logAge
		return old || wanted != "" && wanted != d.ExecutionStatus
	})
	return list(s, r, kept, func(d *deliveryLog) (int, time.Time) { return d.seq, d.at }, func(d *deliveryLog) deliveryLog { return *d })
}

func (s *Server) listAttempts(r request, sub *subscription) reply {
	i := slices.IndexFunc(sub.logs, func(d *deliveryLog) bool { return d.RequestID == r.query.Get("requestId") })
	if i < 0 {
		return missing("request").reply()
	}
	return reply{http.StatusOK, map[string]any{"results": slices.Clone(sub.logs[i].attempts)}}
}
