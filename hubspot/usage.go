package hubspot

import (
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

// counts are the answers so far by the hundreds of their status; 0 is no
// answer, and 4 leaves the refusals for want of quota out.
type counts struct {
	byClass [6]atomic.Int64
	limited atomic.Int64
}

func (c *counts) add(res *httpx.Response) {
	switch {
	case res == nil:
		c.byClass[0].Add(1)
	case res.Status == 429:
		c.limited.Add(1)
	default:
		c.byClass[min(max(res.Status/100, 0), 5)].Add(1)
	}
}

// A Quota tells how an [Adapter] stands with its account's quotas, for
// metrics. Numbers are calls.
type Quota struct {
	// Limit is how many are allowed in any span of Window, as last told.
	Limit  int
	Window time.Duration
	// Used is how many of them this adapter has in use; Others is how many
	// other adapters and programs with the same credentials seem to have.
	Used, Others int
	// Factor is the part of its rate that refusals have left the adapter; it
	// grows back to 1.
	Factor float64
	// Waiting is how many calls and batches wait.
	Waiting int
	// PausedUntil is until when all calls are held back, zero if they are not.
	PausedUntil time.Time
	// Searches is how many searches were made in the last second.
	Searches int
	// DailyLimit and DailyRemaining are those of the account's present day;
	// both are 0 while not told, as with OAuth.
	DailyLimit, DailyRemaining int
	// Answers counts the answers so far by the hundreds of their status; 0
	// counts calls without an answer, and 4 leaves out Limited.
	Answers [6]int64
	// Limited counts the calls that were refused for want of quota.
	Limited int64
}

// Quota returns how the adapter stands with the account's quotas at present.
func (a *Adapter) Quota() Quota {
	q := a.client.quota
	u := q.burst.Usage()
	s := Quota{Limit: u.Limit, Window: u.Per, Used: u.Used, Others: u.Others, Factor: u.Factor, Waiting: u.Waiting,
		PausedUntil: u.Paused, Searches: q.window(opSearch).Usage().Used, Limited: q.counts.limited.Load()}
	s.DailyLimit, s.DailyRemaining = q.day.state(time.Now())
	for i := range s.Answers {
		s.Answers[i] = q.counts.byClass[i].Load()
	}
	return s
}

var _ sync.Quoter = (*Adapter)(nil)

// Quotas implements [sync.Quoter]: "window", that of [Quota.Window], "search",
// and, once an answer told it, "day", whose bounds are known after
// [Adapter.Setup] or [Adapter.Watch] has read the account's time zone.
func (a *Adapter) Quotas() []sync.Quota {
	s, q := a.Quota(), a.client.quota
	all := []sync.Quota{
		{System: System, Name: "window", Used: s.Used + s.Others, Limit: s.Limit},
		{System: System, Name: "search", Used: s.Searches, Limit: q.window(opSearch).Usage().Limit},
	}
	if s.DailyLimit > 0 {
		from, until := q.day.bounds(time.Now())
		all = append(all, sync.Quota{System: System, Name: "day", Used: s.DailyLimit - s.DailyRemaining, Limit: s.DailyLimit, From: from, Until: until})
	}
	return all
}

// Cost implements [sync.Coster]: calls of 100 records each, at the account's
// quota as it was last told.
func (a *Adapter) Cost(w sync.Work) (calls int, takes time.Duration) {
	for _, n := range []int{w.Reads, w.Matches, w.Creates, w.Updates} {
		calls += (n + maxBatch - 1) / maxBatch
	}
	u := a.client.quota.burst.Usage()
	return calls, u.Per * time.Duration(calls) / time.Duration(max(u.Limit, 1))
}
