package hubspot_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// failure returns the error of a result, which must be the core's.
func failure(t *testing.T, r sync.Result) *sync.Error {
	t.Helper()
	var e *sync.Error
	if !errors.As(r.Err, &e) {
		t.Fatalf("got %v, want a *sync.Error", r.Err)
	}
	return e
}

func TestApplyUpdatesAndClears(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		r := a.apply(write(id, map[string]string{"firstname": "Grace", "phone": "", "id": id}))[0]
		if r.Err != nil || r.Created || r.Record.ID != id || r.Record.UpdatedAt.IsZero() || r.Call == "" {
			t.Errorf("got %+v", r)
		}
		now, _ := a.sim.Contact(id)
		if now["firstname"] != "Grace" || now["phone"] != "" {
			t.Errorf("stored %v", now)
		}
	})
}

func TestApplyUpsertsByAUniqueProperty(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		w := keyed(birdID, map[string]string{birdID: "b1", "email": "new@example.com"})
		first := a.apply(w)[0]
		second := a.apply(w)[0]
		if first.Err != nil || !first.Created || first.Record.ID == "" {
			t.Errorf("first: %+v", first)
		}
		if second.Err != nil || second.Created || second.Record.ID != first.Record.ID {
			t.Errorf("second: %+v", second)
		}
		if len(a.sim.Contacts()) != 1 {
			t.Errorf("stored %v", a.sim.Contacts())
		}
	})
}

func TestApplyUpsertsByEmail(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		res := a.apply(
			keyed("email", map[string]string{"email": strings.ToUpper(email(1)), "firstname": "Grace"}),
			keyed("email", map[string]string{"email": email(2), "color": "purple"}),
			keyed("email", map[string]string{"email": email(3)}),
		)
		if res[0].Err != nil || res[0].Record.ID != id || res[0].Created {
			t.Errorf("existing: %+v", res[0])
		}
		if e := failure(t, res[1]); e.Action != sync.Invalid || e.Field != "color" || e.Rule != "INVALID_OPTION" {
			t.Errorf("poison: %v", e)
		}
		if res[2].Err != nil || !res[2].Created {
			t.Errorf("new: %+v", res[2])
		}
	})
}

func TestApplyIsolatesAPoisonInput(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		var writes []sync.Write
		for n := range 60 {
			writes = append(writes, keyed(birdID, map[string]string{birdID: bird(n), "firstname": "Ada"}))
		}
		writes[17].Fields["color"] = sync.Text("secret-purple")
		writes[42].Fields["no_such_property"] = sync.Text("x")
		for i, r := range a.apply(writes...) {
			switch i {
			case 17:
				if e := failure(t, r); e.Action != sync.Invalid || e.Field != "color" || strings.Contains(e.Error(), "purple") {
					t.Errorf("poison: %v", e)
				}
			case 42:
				if r.Err != nil || !r.Created || r.Dropped["no_such_property"] != "PROPERTY_DOESNT_EXIST" {
					t.Errorf("unknown property: %+v", r)
				}
			default:
				if r.Err != nil || !r.Created {
					t.Fatalf("neighbour %d: %+v", i, r)
				}
			}
		}
	})
}

func TestApplyKeepsTheOrderOfWritesToOneRecord(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		var writes []sync.Write
		for n := range 5 {
			writes = append(writes, write(id, map[string]string{"firstname": fmt.Sprint("v", n)}))
			writes = append(writes, keyed(birdID, map[string]string{birdID: "same", "firstname": fmt.Sprint("v", n)}))
		}
		created := 0
		for _, r := range a.apply(writes...) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			if r.Created {
				created++
			}
		}
		for _, c := range a.sim.Contacts() {
			if c["firstname"] != "v4" {
				t.Errorf("stored %v", c)
			}
		}
		if created != 1 {
			t.Errorf("%d created", created)
		}
	})
}

func TestConflictsNameTheOtherRecord(t *testing.T) {
	for _, as400 := range []bool{false, true} {
		inAccount(t, hubspottest.Options{CreateConflictAs400: as400}, hubspot.Options{}, func(t *testing.T, a account) {
			holder, other := a.create(1), a.create(2)
			res := a.apply(
				write(other, map[string]string{"email": email(1)}),
				keyed(birdID, map[string]string{birdID: "new", "email": email(1)}),
				keyed(birdID, map[string]string{birdID: "fine", "email": email(3)}),
			)
			for i, r := range res[:2] {
				e := failure(t, r)
				if e.Action != sync.Conflict || e.Existing.ID != holder || strings.Contains(e.Error(), "example.com") {
					t.Errorf("as400 %v, write %d: %v, existing %v", as400, i, e, e.Existing)
				}
			}
			if res[2].Err != nil {
				t.Errorf("neighbour: %v", res[2].Err)
			}
		})
	}
}

func TestWritesToWhatIsGone(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		one, two, three := a.create(1), a.create(2), a.create(3)
		a.sim.Archive(three)
		a.sim.Merge(one, two)
		f := map[string]string{"firstname": "Grace"}
		res := a.apply(write("987654321", f), write(three, f), write(two, f), write(a.create(4), f))
		if e := failure(t, res[0]); e.Action != sync.NotFound || e.Ref.ID != "987654321" {
			t.Errorf("unknown: %v", e)
		}
		if e := failure(t, res[1]); e.Action != sync.NotFound {
			t.Errorf("archived: %v", e)
		}
		if e := failure(t, res[2]); e.Action != sync.Conflict {
			t.Errorf("merged away: %v", e)
		}
		if res[3].Err != nil {
			t.Errorf("neighbour: %v", res[3].Err)
		}
	})
}

func TestApplyRefusesWhatItCannotSend(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		ticket := write("1", nil)
		ticket.Ref.Kind = "ticket"
		for i, r := range a.apply(write("", nil), write("abc", nil), keyed(birdID, map[string]string{birdID: ""}), ticket) {
			if a := failure(t, r).Action; a != sync.Invalid && a != sync.Fatal {
				t.Errorf("write %d: %v", i, r.Err)
			}
		}
		if n := a.calls(""); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestAKeyThatIsNotUniqueIsToldAtOnce(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		var writes []sync.Write
		for n := range 50 {
			writes = append(writes, keyed("firstname", map[string]string{"firstname": fmt.Sprint("x", n)}))
		}
		for _, r := range a.apply(writes...) {
			if e := failure(t, r); e.Action != sync.Fatal || e.Rule != "property.unique" {
				t.Fatalf("got %v", e)
			}
		}
		if n := a.calls("/batch/upsert"); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestConcurrentWritesShareCalls(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		var wg stdsync.WaitGroup
		for n := range 300 {
			wg.Go(func() {
				if r := a.apply(keyed(birdID, map[string]string{birdID: bird(n)})); r[0].Err != nil {
					t.Errorf("write %d: %v", n, r[0].Err)
				}
			})
		}
		wg.Wait()
		if n := a.calls("/batch/upsert"); n != 3 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestACallThatHangsIsGivenUp(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		a.sim.Faults().Add(hubspottest.Fault{Delay: time.Hour})
		start := time.Now()
		_, err := a.hs.Read(t.Context(), hubspot.Contact, []string{id})
		if sync.ActionOf(err) != sync.Retry || time.Since(start) > time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestFaultsBecomeActions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault hubspottest.Fault
		want  sync.Action
		at    time.Duration
	}{
		{"502", hubspottest.ServerError(502), sync.Retry, 0},
		{"524", hubspottest.ServerError(524), sync.Retry, 0},
		{"cut", hubspottest.Fault{DropBefore: true}, sync.Retry, 0},
		{"cut after", hubspottest.Fault{DropAfter: true}, sync.Retry, 0},
		{"half an answer", hubspottest.Fault{Truncate: true}, sync.Retry, 0},
		{"moving", hubspottest.Moving(time.Hour), sync.RetryAt, time.Hour},
	} {
		inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
			id := a.create(1)
			a.sim.Faults().Add(tt.fault)
			start := time.Now()
			e := failure(t, a.apply(write(id, map[string]string{"firstname": "Grace"}))[0])
			if e.Action != tt.want || e.Ref.ID != id {
				t.Errorf("%s: %v", tt.name, e)
			}
			if tt.at > 0 && e.RetryAt.Sub(start) < tt.at {
				t.Errorf("%s: retry at %v", tt.name, e.RetryAt.Sub(start))
			}
			if strings.Contains(e.Error(), "Grace") || strings.Contains(e.Error(), a.sim.Token) {
				t.Errorf("%s: tells too much: %v", tt.name, e)
			}
		})
	}
}

func TestAMovingAccountIsLeftAlone(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		a.sim.Faults().Add(hubspottest.Moving(time.Hour))
		for range 10 {
			if _, err := a.hs.Read(t.Context(), hubspot.Contact, []string{id}); sync.ActionOf(err) != sync.RetryAt {
				t.Fatalf("got %v", err)
			}
		}
		if n := a.calls(""); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestALockIsWaitedFor(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		locked := hubspottest.Locked()
		locked.Count = 1
		a.sim.Faults().Add(locked)
		start := time.Now()
		if r := a.apply(write(id, map[string]string{"firstname": "Grace"}))[0]; r.Err != nil || time.Since(start) < 2*time.Second {
			t.Errorf("%v after %v", r.Err, time.Since(start))
		}
		a.sim.Faults().Add(hubspottest.Locked())
		if e := failure(t, a.apply(write(id, map[string]string{"firstname": "Ada"}))[0]); e.Action != sync.RetryAt {
			t.Errorf("locked for good: %v", e)
		}
	})
}

// What Retry-After says neither makes a call repeat itself without end nor
// silences the adapter for years.
func TestALockThatTellsAnOddTime(t *testing.T) {
	for name, told := range map[string]func(now time.Time) string{
		"past": func(now time.Time) string { return now.Add(-time.Hour).UTC().Format(http.TimeFormat) },
		"2099": func(time.Time) string { return "Thu, 01 Jan 2099 00:00:00 GMT" },
		"now":  func(time.Time) string { return "0" },
	} {
		inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
			id, start := a.create(1), time.Now()
			locked := hubspottest.Locked()
			locked.Header = http.Header{"Retry-After": {told(start)}}
			a.sim.Faults().Add(locked)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			res, err := a.hs.Apply(ctx, []sync.Write{write(id, map[string]string{"firstname": "Grace"})})
			if err != nil || sync.ActionOf(res[0].Err) != sync.RetryAt {
				t.Fatalf("%s: %v, %v", name, res, err)
			}
			if e := failure(t, res[0]); time.Since(start) > 6*time.Second || e.RetryAt.After(time.Now().Add(time.Minute)) {
				t.Errorf("%s: after %v, to be tried again at %v", name, time.Since(start), e.RetryAt)
			}
		})
	}
}

func TestTheQuotaIsKept(t *testing.T) {
	inAccount(t, hubspottest.Options{Burst: 30}, hubspot.Options{RatePer10s: 30}, func(t *testing.T, a account) {
		id := a.create(1)
		for range 100 {
			a.read(id)
		}
		for _, c := range a.sim.Log().Entries() {
			if c.Status == 429 {
				t.Fatal("the quota was exceeded")
			}
		}
	})
}

func TestASmallerQuotaIsLearned(t *testing.T) {
	inAccount(t, hubspottest.Options{Burst: 20}, hubspot.Options{RatePer10s: 190}, func(t *testing.T, a account) {
		id := a.create(1)
		for range 40 {
			for { // what the limiter cannot know at first, the engine waits for
				_, err := a.hs.Read(t.Context(), hubspot.Contact, []string{id})
				var e *sync.Error
				if !errors.As(err, &e) {
					break
				}
				if e.Action != sync.RetryAt {
					t.Fatal(err)
				}
				time.Sleep(time.Until(e.RetryAt))
			}
		}
		refused := a.sim.Log().Count(func(c hubspottest.Call) bool { return c.Status == 429 })
		if refused > 1 {
			t.Errorf("%d calls were refused", refused)
		}
	})
}

func TestCredentialsAreDenied(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		a.sim.RevokeToken(a.sim.Token)
		_, err := a.hs.Read(t.Context(), hubspot.Contact, []string{id})
		if sync.ActionOf(err) != sync.Denied || strings.Contains(err.Error(), a.sim.Token) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTheContextIsHonoured(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		a.sim.Faults().Add(hubspottest.Fault{Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := a.hs.Read(ctx, hubspot.Contact, []string{id})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
