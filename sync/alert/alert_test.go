package alert_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/alert"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// A pager remembers what it was told, and may be out of order.
type pager struct {
	mu    stdsync.Mutex
	told  []string
	fails bool
}

func (p *pager) Notify(_ context.Context, a alert.Alert) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails {
		return errors.New("out of order")
	}
	end := ""
	if !a.Ended.IsZero() {
		end = " over"
	}
	p.told = append(p.told, a.Key()+end)
	return nil
}

func (p *pager) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := p.told
	p.told = nil
	return told
}

// A desk is a manager with one rule whose cases the test sets.
type desk struct {
	*testing.T
	*alert.Manager
	pager *pager
	cases []alert.Case
	now   time.Time
}

func newDesk(t *testing.T, wait time.Duration) *desk {
	t.Helper()
	d := &desk{T: t, pager: &pager{}, now: noon}
	m, err := alert.New(alert.Options{Repeat: time.Hour, Notifiers: []alert.Notifier{d.pager}, Rules: []alert.Rule{
		{Name: "Rule", Severity: alert.Warning, Summary: "It is so.", For: wait, Check: func(*alert.State, time.Time) []alert.Case { return d.cases }},
	}})
	if err != nil {
		t.Fatal(err)
	}
	d.Manager = m
	return d
}

// after lets time pass and checks what the pager is told.
func (d *desk) after(wait time.Duration, want ...string) {
	d.Helper()
	d.now = d.now.Add(wait)
	d.Evaluate(d.Context(), d.now)
	if diff := cmp.Diff(want, d.pager.take()); diff != "" {
		d.Errorf("at %s: %s", d.now.Format(time.TimeOnly), diff)
	}
}

func of(flow string) alert.Case { return alert.Case{Labels: map[string]string{"flow": flow}} }

func TestAnAlertIsToldOnceAndWhenItIsOver(t *testing.T) {
	d := newDesk(t, time.Minute)
	d.after(0)
	d.cases = []alert.Case{of("a")}
	d.after(0)
	d.after(59 * time.Second)
	d.after(time.Second, "Rule flow=a")
	d.after(time.Minute)
	d.cases = []alert.Case{of("a"), of("b")}
	d.after(time.Minute)
	d.after(time.Minute, "Rule flow=b")
	d.after(59*time.Minute, "Rule flow=a") // a reminder
	d.cases = []alert.Case{of("b")}
	d.after(2*time.Minute, "Rule flow=a over", "Rule flow=b")
	d.after(time.Second)
	d.cases = nil
	d.after(time.Second, "Rule flow=b over")
	d.after(time.Hour)
}

func TestWhatPassesSoonIsToldToNobody(t *testing.T) {
	d := newDesk(t, time.Minute)
	for range 10 {
		d.cases = []alert.Case{of("a")}
		d.after(30 * time.Second)
		if n := len(d.Active(d.now)); n != 0 {
			t.Errorf("%d alerts are active", n)
		}
		d.cases = nil
		d.after(30 * time.Second)
	}
}

func TestANotifierOutOfOrderIsToldLater(t *testing.T) {
	d := newDesk(t, 0)
	d.cases = []alert.Case{of("a")}
	d.pager.fails = true
	d.after(0)
	d.pager.fails = false
	d.after(10*time.Second, "Rule flow=a")
	d.cases, d.pager.fails = nil, true
	d.after(10 * time.Second)
	d.pager.fails = false
	d.after(10*time.Second, "Rule flow=a over")
	d.after(10 * time.Second)
}

func TestSilences(t *testing.T) {
	d := newDesk(t, 0)
	d.Silence(alert.Silence{Rule: "Rule", Labels: map[string]string{"flow": "a"}, Until: noon.Add(time.Hour), By: "ops", Why: "known"})
	d.Silence(alert.Silence{Rule: "Other", Until: noon.Add(time.Hour)})
	d.cases = []alert.Case{of("a"), of("b")}
	d.after(0, "Rule flow=b")
	if n := len(d.Active(d.now)); n != 2 {
		t.Errorf("%d alerts are active, want both", n)
	}
	if s := d.Silences(d.now); len(s) != 2 || s[0].Why != "known" {
		t.Errorf("silences %+v", s)
	}
	d.after(time.Hour, "Rule flow=a", "Rule flow=b")
	if s := d.Silences(d.now); len(s) != 0 {
		t.Errorf("silences %+v", s)
	}
}

func TestTestReachesEveryNotifier(t *testing.T) {
	works, broken := &pager{}, &pager{fails: true}
	m, err := alert.New(alert.Options{Notifiers: []alert.Notifier{broken, works}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Test(t.Context(), noon); err == nil || !strings.Contains(err.Error(), "notifier 0") {
		t.Errorf("a broken notifier: %v", err)
	}
	if diff := cmp.Diff([]string{"Test", "Test over"}, works.take()); diff != "" {
		t.Error(diff)
	}
}

func TestRulesNeedNames(t *testing.T) {
	check := func(*alert.State, time.Time) []alert.Case { return nil }
	for _, rules := range [][]alert.Rule{{{Check: check}}, {{Name: "A"}}, {{Name: "A", Check: check}, {Name: "A", Check: check}}} {
		if _, err := alert.New(alert.Options{Rules: rules}); sync.ActionOf(err) != sync.Fatal {
			t.Errorf("%+v: %v", rules, err)
		}
	}
}

// A deskQueue answers with the test's figures.
type deskQueue struct {
	sync.Queue
	stats sync.QueueStats
	err   error
}

func (q *deskQueue) Stats(context.Context, time.Time) (sync.QueueStats, error) { return q.stats, q.err }

var contact = sync.Ref{System: "crm", Kind: "contact", ID: "17"}

func repeated(n int, e sync.Event) []sync.Event {
	events := make([]sync.Event, n)
	for i := range events {
		events[i] = e
	}
	return events
}

// TestTheUsualRules has each rule fire, and not fire for a little less.
func TestTheUsualRules(t *testing.T) {
	live := sync.Event{Type: sync.EventSynced, Ref: contact, Priority: sync.Live, Count: 1, Lag: time.Second}
	slow := live
	slow.Lag = 6 * time.Second
	echo := slow
	echo.Count = 0
	buried := sync.Event{Type: sync.EventBuried, Ref: contact, Count: 1}
	swept := sync.Event{Type: sync.EventSwept, Ref: contact}
	pausing := &sync.Error{Field: "score", Rule: "property.archived"}
	verified := func(equal int) sync.Event {
		return sync.Event{Type: sync.EventVerified, Agreement: &sync.Agreement{Flow: "people", Tally: sync.Tally{Compared: 1000, Equal: equal}}}
	}
	day := sync.Quota{System: "crm", Name: "day", Limit: 1000, From: noon.Add(-6 * time.Hour), Until: noon.Add(18 * time.Hour)}
	used := func(n int) sync.Quota { q := day; q.Used = n; return q }
	for name, tt := range map[string]struct {
		events []sync.Event
		stats  sync.QueueStats
		err    error
		modes  []sync.Mode
		quotas []sync.Quota
		late   time.Duration // how long the events are ago
		want   string
	}{
		"all is well":            {events: append(repeated(100, live), swept)},
		"late changes":           {events: append(repeated(98, live), slow, slow, swept), want: "LagHigh"},
		"one late change":        {events: append(repeated(99, live), slow, swept)},
		"late echoes":            {events: append(repeated(50, live), echo, echo, echo, swept)},
		"few changes":            {events: append(repeated(19, slow), swept)},
		"an old backlog":         {events: []sync.Event{live, swept}, stats: sync.QueueStats{Waiting: 2, Sleeping: 1, OldestAt: noon.Add(-31 * time.Second)}, want: "BacklogAgeHigh"},
		"a backlog that sleeps":  {events: []sync.Event{live, swept}, stats: sync.QueueStats{Waiting: 2, Sleeping: 2, OldestAt: noon.Add(-31 * time.Second)}},
		"a standstill":           {events: []sync.Event{swept}, stats: sync.QueueStats{Waiting: 1, OldestAt: noon}, want: "Stalled"},
		"the queue is down":      {events: []sync.Event{swept}, err: errors.New("down"), want: "QueueDown"},
		"a dead letter":          {events: []sync.Event{live, buried, swept}, stats: sync.QueueStats{Dead: 1}, want: "DeadLettersGrowing"},
		"an old dead letter":     {events: []sync.Event{swept}, stats: sync.QueueStats{Dead: 1}},
		"a discarded one":        {events: []sync.Event{buried, swept}},
		"failures":               {events: append(repeated(98, live), buried, buried, swept), want: "FailureRateHigh"},
		"few failures":           {events: append(repeated(99, live), buried, swept)},
		"systems apart":          {events: []sync.Event{verified(989), swept}, want: "AgreementLow flow=people"},
		"systems in step":        {events: []sync.Event{verified(989), verified(990), swept}},
		"no sweep":               {late: 6 * time.Minute, want: "SweepOverdue system=crm"},
		"an old sweep":           {events: []sync.Event{swept}, late: 6 * time.Minute, want: "SweepOverdue system=crm"},
		"a recent sweep":         {events: []sync.Event{swept}, late: 4 * time.Minute},
		"a paused field":         {events: []sync.Event{swept, {Type: sync.EventDegraded, Ref: contact, Err: pausing}}, want: "SchemaDegraded field=score kind=contact system=crm"},
		"a field that goes on":   {events: []sync.Event{swept, {Type: sync.EventDegraded, Ref: contact, Err: pausing}, {Type: sync.EventRecovered, Ref: contact, Err: pausing}}},
		"a guard":                {events: []sync.Event{swept, {Type: sync.EventTripped, Flow: "people", Err: &sync.Error{Rule: "guard.creates"}}}, want: "GuardTripped flow=people rule=guard.creates"},
		"an oscillation":         {events: []sync.Event{swept, {Type: sync.EventTripped, Flow: "people", Decision: &sync.Decision{Field: "stage", After: sync.Text("17")}}}, want: "Oscillation field=stage flow=people rule=oscillation"},
		"a fallback":             {events: []sync.Event{swept}, modes: []sync.Mode{{System: "crm", Name: "single writes", Why: "the batch is refused"}}, want: "Fallback mode=single writes system=crm"},
		"a fallback of our own":  {events: []sync.Event{swept}, modes: []sync.Mode{{Name: "work waits: store"}}, want: "Fallback mode=work waits: store"},
		"a quota that ends soon": {events: []sync.Event{swept}, quotas: []sync.Quota{used(251)}, want: "QuotaForecast quota=day system=crm"},
		"a quota that lasts":     {events: []sync.Event{swept}, quotas: []sync.Quota{used(250)}},
		"a quota of no period":   {events: []sync.Event{swept}, quotas: []sync.Quota{{System: "crm", Name: "window", Used: 100, Limit: 100}}},
		"a day that has begun":   {events: []sync.Event{swept}, quotas: []sync.Quota{{System: "crm", Used: 900, Limit: 1000, From: noon.Add(-time.Hour), Until: noon.Add(23 * time.Hour)}}},
	} {
		t.Run(name, func(t *testing.T) {
			q := &deskQueue{stats: tt.stats, err: tt.err}
			rules := alert.Rules(alert.Objectives{})
			for i := range rules {
				rules[i].For = 0
			}
			m, err := alert.New(alert.Options{Rules: rules, Queue: q, Systems: []sync.System{"crm"},
				Modes: func() []sync.Mode { return tt.modes }, Quotas: func() []sync.Quota { return tt.quotas }})
			if err != nil {
				t.Fatal(err)
			}
			m.Evaluate(t.Context(), noon.Add(-tt.late))
			for _, e := range tt.events {
				e.At = noon.Add(-tt.late)
				m.Observe(e)
			}
			m.Evaluate(t.Context(), noon)
			got := ""
			for _, a := range m.Active(noon) {
				if strings.HasPrefix(a.Key(), "Stalled") && tt.want == "BacklogAgeHigh" {
					continue
				}
				got += a.Key()
				if strings.Contains(fmt.Sprint(a), "17") {
					t.Errorf("an id is in the alert: %+v", a)
				}
			}
			if got != tt.want {
				t.Errorf("alerts %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRunEvaluatesUntilItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pager{}
		m, err := alert.New(alert.Options{Notifiers: []alert.Notifier{p}, Systems: []sync.System{"crm"}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); m.Run(ctx) }()
		time.Sleep(6 * time.Minute)
		if diff := cmp.Diff([]string{"SweepOverdue system=crm"}, p.take()); diff != "" {
			t.Error(diff)
		}
		m.Observe(sync.Event{Type: sync.EventSwept, Ref: contact, At: time.Now()})
		time.Sleep(11 * time.Second) // not the very moment of a look
		if diff := cmp.Diff([]string{"SweepOverdue system=crm over"}, p.take()); diff != "" {
			t.Error(diff)
		}
		stop()
		<-done
	})
}

// A flow that a guard stopped does not go on by itself, so the alert stays.
func TestGuardTrippedLastsUntilTheFlowIsResumed(t *testing.T) {
	modes := []sync.Mode{{Name: "suspended: flow people, field (all), to (both)", Why: "guard: more than 20 detachments in an hour"}}
	m, err := alert.New(alert.Options{Modes: func() []sync.Mode { return modes }})
	if err != nil {
		t.Fatal(err)
	}
	m.Observe(sync.Event{Type: sync.EventTripped, At: noon, Flow: "people", Err: &sync.Error{Rule: "guard.detachments"}})
	holds := func(now time.Time) (held bool) {
		m.Evaluate(t.Context(), now)
		for _, a := range m.Active(now) {
			held = held || a.Rule == "GuardTripped"
		}
		return held
	}
	if !holds(noon.Add(5*time.Hour)) || !holds(noon.Add(6*time.Hour)) {
		t.Error("the alert is over while the flow is suspended")
	}
	modes = nil
	if holds(noon.Add(7 * time.Hour)) {
		t.Error("the alert lasts although the flow was resumed")
	}
}

func TestAnAlertLeadsToItsRunbook(t *testing.T) {
	m, err := alert.New(alert.Options{Runbooks: "https://docs.example.com/operations.md", Modes: func() []sync.Mode { return []sync.Mode{{Name: "a", Why: "b"}} }})
	if err != nil {
		t.Fatal(err)
	}
	m.Evaluate(t.Context(), noon)
	active := m.Active(noon.Add(time.Hour))
	if want := "https://docs.example.com/operations.md#fallback"; len(active) != 1 || active[0].Runbook != want {
		t.Errorf("%+v, want one with the runbook %s", active, want)
	}
}
