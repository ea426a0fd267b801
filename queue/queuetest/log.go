package queuetest

import (
	"context"
	"errors"
	"fmt"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// A probe calls a log directly.
type probe struct {
	*testing.T
	log queue.Log
	ctx context.Context
}

func newProbe(t *testing.T, log queue.Log) *probe { return &probe{t, log, context.Background()} }

func (p *probe) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *probe) fenced(err error) {
	p.Helper()
	if !errors.Is(err, queue.ErrFenced) {
		p.Fatalf("got error %v, want queue.ErrFenced", err)
	}
}

// own leases for the owner and returns its grants by shard.
func (p *probe) own(owner string, now time.Time, d time.Duration) map[int]queue.Grant {
	p.Helper()
	l, err := p.log.Lease(p.ctx, now, queue.LeaseParams{Owner: owner, For: d})
	p.must(err)
	grants := map[int]queue.Grant{}
	for _, g := range l.Grants {
		grants[g.Shard] = g
	}
	return grants
}

// span is all of a key's stream.
func (p *probe) span(key string, prio sync.Priority) queue.Span {
	return queue.Span{Shard: queue.ShardOf(key, p.log.Shards()), Priority: prio, Limit: 1000}
}

func (p *probe) read(s queue.Span) queue.Page {
	p.Helper()
	pages, err := p.log.Read(p.ctx, []queue.Span{s})
	p.must(err)
	if len(pages) != 1 {
		p.Fatalf("%d pages for one span", len(pages))
	}
	return pages[0]
}

func (p *probe) want(page queue.Page, want ...string) {
	p.Helper()
	var got []string
	for _, e := range page.Entries {
		got = append(got, e.Message.ID)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.Fatalf("read %v, want %v", got, want)
	}
}

func logAppendRead(t *testing.T, log queue.Log) {
	p := newProbe(t, log)
	m := sync.Message{ID: "k-0", Key: "k", Priority: sync.Live, EnqueuedAt: start, Payload: []byte{0, 1, 255}}
	p.must(log.Append(p.ctx, start, append([]sync.Message{m}, msgs("k", 4)...)))
	p.must(log.Append(p.ctx, start, []sync.Message{msg("back", "k", sync.Backfill)}))
	page := p.read(p.span("k", sync.Live))
	p.want(page, "k-0", "k-1", "k-2", "k-3")
	first := page.Entries[0]
	if got := first.Message; got.Key != "k" || string(got.Payload) != string(m.Payload) || !got.EnqueuedAt.Equal(start) || first.Held != nil {
		t.Errorf("read %+v, want %+v", first, m)
	}
	if page.More || page.Next != page.Entries[3].Seq {
		t.Errorf("the page ends at %d with more %v", page.Next, page.More)
	}
	back := p.read(p.span("k", sync.Backfill))
	p.want(back, "back")
	if back.Entries[0].Seq <= page.Next {
		t.Error("sequence numbers do not grow over the priorities")
	}
	f := p.own("a", start, time.Minute)[queue.ShardOf("k", log.Shards())].Fence
	gone := []queue.Pos{{Priority: sync.Live, Seq: page.Entries[1].Seq}}
	p.must(log.Delete(p.ctx, f, gone))
	p.must(log.Delete(p.ctx, f, gone)) // again is fine
	p.want(p.read(p.span("k", sync.Live)), "k-0", "k-2", "k-3")
}

func logReadKey(t *testing.T, log queue.Log) {
	p := newProbe(t, log)
	other := neighbour(log, "k")
	for i := range 5 {
		p.must(log.Append(p.ctx, start, []sync.Message{
			msg(fmt.Sprint("k", i), "k", sync.Live), msg(fmt.Sprint("o", i), other, sync.Live)}))
	}
	s := p.span("k", sync.Live)
	all := p.read(s)
	s.Key, s.Limit = "k", 2
	page := p.read(s)
	p.want(page, "k0", "k1")
	if !page.More {
		t.Error("the limit cut the page, but there is no more")
	}
	s.After, s.Upto, s.Limit = page.Next, all.Entries[6].Seq, 10
	page = p.read(s)
	p.want(page, "k2", "k3") // entry 6 is k3
	if page.More {
		t.Error("more is set though the bound ended the page")
	}
	s.Key = ""
	p.want(p.read(s), "o1", "k2", "o2", "k3")
	s.After, s.Upto = all.Next, 0
	page = p.read(s)
	p.want(page)
	if page.Next < s.After || page.More {
		t.Errorf("an empty page ends at %d, before %d, or with more", page.Next, s.After)
	}
}

func logFence(t *testing.T, log queue.Log) {
	p := newProbe(t, log)
	p.must(log.Append(p.ctx, start, msgs("k", 1)))
	g := p.own("a", start, time.Minute)[queue.ShardOf("k", log.Shards())]
	e := p.read(p.span("k", sync.Live)).Entries[0]
	pos := queue.Pos{Priority: sync.Live, Seq: e.Seq}
	for _, token := range []uint64{g.Token + 1, g.Token - 1} {
		f := queue.Fence{Shard: g.Shard, Token: token}
		p.fenced(log.Delete(p.ctx, f, []queue.Pos{pos}))
		p.fenced(log.Hold(p.ctx, f, pos, queue.Held{Attempts: 1}))
		p.fenced(log.Bury(p.ctx, f, []queue.Burial{{Pos: pos, Letter: sync.DeadLetter{Message: e.Message, DiedAt: start}}}))
	}
	got := p.read(p.span("k", sync.Live)).Entries
	if len(got) != 1 || got[0].Held != nil {
		t.Fatalf("a wrong fence let something through: %+v", got)
	}
	p.must(log.Delete(p.ctx, g.Fence, []queue.Pos{pos}))
}

func logHold(t *testing.T, log queue.Log) {
	p := newProbe(t, log)
	p.must(log.Append(p.ctx, start, msgs("k", 2)))
	f := p.own("a", start, time.Minute)[queue.ShardOf("k", log.Shards())].Fence
	e := p.read(p.span("k", sync.Live)).Entries[0]
	pos := queue.Pos{Priority: sync.Live, Seq: e.Seq}
	held := queue.Held{RetryAt: start.Add(time.Hour), Attempts: 2, History: []sync.Failure{{At: start, Action: "retry", Error: "x", Free: true}}}
	p.must(log.Hold(p.ctx, f, pos, held))
	got := p.read(p.span("k", sync.Live)).Entries[0].Held
	if got == nil || !got.RetryAt.Equal(held.RetryAt) || got.Attempts != 2 || len(got.History) != 1 || got.History[0].Error != "x" {
		t.Fatalf("held %+v, want %+v", got, held)
	}
	st, err := log.Stats(p.ctx, start)
	p.must(err)
	if st.Waiting != 2 || st.Sleeping != 2 || !st.NextAt.Equal(held.RetryAt) {
		t.Errorf("stats %+v, want 2 sleeping", st)
	}
	letter := sync.DeadLetter{Message: e.Message, Attempts: 3, History: held.History, DiedAt: start}
	p.must(log.Bury(p.ctx, f, []queue.Burial{{Pos: pos, Letter: letter}}))
	p.must(log.Bury(p.ctx, f, []queue.Burial{{Pos: pos, Letter: letter}})) // again is fine
	p.want(p.read(p.span("k", sync.Live)), "k-1")
	n, err := log.Replay(p.ctx, start, []string{"k-0"})
	p.must(err)
	page := p.read(p.span("k", sync.Live))
	p.want(page, "k-1", "k-0")
	if h := page.Entries[1].Held; n != 1 || h == nil || h.Attempts != 0 || len(h.History) != 1 || h.RetryAt.After(start) {
		t.Errorf("replayed %d, held %+v; want 1 with its history and no attempts", n, h)
	}
}

func logLease(t *testing.T, log queue.Log) {
	p := newProbe(t, log)
	a := p.own("a", start, time.Minute)
	if len(a) != log.Shards() {
		t.Fatalf("the only member got %d of %d shards", len(a), log.Shards())
	}
	if b := p.own("b", start.Add(time.Second), time.Minute); len(b) != 0 {
		t.Fatalf("a second member got %d shards that are leased", len(b))
	}
	again := p.own("a", start.Add(30*time.Second), time.Second)
	for i, g := range again {
		if g != a[i] && (g.Fence != a[i].Fence || !g.Expires.Equal(a[i].Expires)) {
			t.Fatalf("renewing for less changed %+v to %+v", a[i], g)
		}
	}
	again = p.own("a", start.Add(30*time.Second), time.Minute)
	if !again[0].Expires.Equal(start.Add(90*time.Second)) || again[0].Unclean != 0 {
		t.Fatalf("renewed: %+v", again[0])
	}
	late := start.Add(2 * time.Minute)
	b := p.own("b", late, time.Minute)
	if len(b) != log.Shards() {
		t.Fatalf("after a expired, b got %d shards", len(b))
	}
	for i, g := range b {
		if g.Token <= a[i].Token || g.Unclean != 1 {
			t.Fatalf("taken over: %+v after %+v", g, a[i])
		}
		p.fenced(log.Delete(p.ctx, a[i].Fence, nil))
		p.must(log.Delete(p.ctx, g.Fence, nil))
	}
	if a = p.own("a", late, time.Minute); len(a) != 0 {
		t.Fatalf("a has %d shards that b took", len(a))
	}
	late = late.Add(time.Hour)
	if b2 := p.own("b", late, time.Minute); len(b2) != log.Shards() || b2[0].Token != b[0].Token || b2[0].Unclean != 1 {
		t.Fatalf("b renewed late, when nobody else had come: %+v", b2[0])
	}
}

func logShare(t *testing.T, log queue.Log) {
	p := newProbe(t, log)
	l, err := log.Lease(p.ctx, start, queue.LeaseParams{Owner: "idle", For: time.Minute})
	p.must(err)
	r := queue.ReleaseParams{Owner: "idle"}
	for _, g := range l.Grants {
		r.Clean = append(r.Clean, g.Fence)
	}
	p.must(log.Release(p.ctx, r)) // gives back everything but stays alive
	half := queue.FairShare(log.Shards(), 2)
	if a := p.own("a", start, time.Minute); len(a) != half {
		t.Fatalf("one of two members got %d shards, want %d", len(a), half)
	}
	p.must(log.Release(p.ctx, queue.ReleaseParams{Owner: "idle", Leave: true}))
	if a := p.own("a", start, time.Minute); len(a) != log.Shards() {
		t.Fatalf("after the other left, a got %d shards", len(a))
	}
}

func logRelease(t *testing.T, log queue.Log) {
	p := newProbe(t, log)
	a := p.own("a", start, time.Second)
	b := p.own("b", start.Add(time.Minute), time.Minute)
	if b[0].Unclean != 1 {
		t.Fatalf("taken over: %+v", b[0])
	}
	r := queue.ReleaseParams{Owner: "b", Clean: []queue.Fence{b[0].Fence, a[2].Fence}, Unclean: []queue.Fence{b[1].Fence}, Leave: true}
	p.must(log.Release(p.ctx, r))
	p.fenced(log.Delete(p.ctx, b[0].Fence, nil))
	p.must(log.Delete(p.ctx, b[2].Fence, nil)) // a's fence for it was stale
	c := p.own("c", start.Add(time.Minute), time.Minute)
	if c[0].Unclean != 0 || c[1].Unclean != 1 || len(c) != 2 || c[0].Token <= b[0].Token {
		t.Fatalf("after the release: %+v", c)
	}
}

func logRace(t *testing.T, log queue.Log) {
	p := newProbe(t, log)
	var all stdsync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := log.Append(p.ctx, start, msgs("k", 50)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, e := range p.read(p.span("k", sync.Live)).Entries {
		if seen[e.Message.ID] {
			t.Errorf("%s was stored twice", e.Message.ID)
		}
		seen[e.Message.ID] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d messages stored, want 50", len(seen))
	}
}
