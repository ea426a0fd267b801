package redisqueue_test

import (
	"fmt"
	"math/rand/v2"
	stdsync "sync"
	"testing"

	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// A roll knows which messages are being deleted and which are.
type roll struct {
	mu          stdsync.Mutex
	going, gone map[string]bool
}

func (r *roll) note(set map[string]bool, id string) {
	r.mu.Lock()
	set[id] = true
	r.mu.Unlock()
}

func (r *roll) copyOf(set map[string]bool) map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := make(map[string]bool, len(set))
	for id := range set {
		c[id] = true
	}
	return c
}

// TestReadBesideDelete reads while messages are deleted: what was before the
// read does not come, and what was not deleted does.
func TestReadBesideDelete(t *testing.T) {
	s := newShelf(t, redistest.New(t))
	const packs, size = 100, 7
	for i := range packs {
		msgs := make([]sync.Message, size)
		for j := range msgs {
			msgs[j] = sync.Message{ID: fmt.Sprint(i, "-", j), Key: fmt.Sprint("k", j%2)}
		}
		s.must(s.log.Append(t.Context(), t0, msgs))
	}
	pages, err := s.log.Read(t.Context(), []queue.Span{{Limit: packs * size}})
	s.must(err)
	all := pages[0].Entries
	r := &roll{going: map[string]bool{}, gone: map[string]bool{}}
	order := rand.Perm(len(all))
	var deleters stdsync.WaitGroup
	for w := range 4 {
		deleters.Go(func() {
			for i := w; i < len(order); i += 4 {
				e := all[order[i]]
				r.note(r.going, e.Message.ID)
				if err := s.log.Delete(t.Context(), s.fence, []queue.Pos{{Seq: e.Seq}}); err != nil {
					t.Error(err)
				}
				r.note(r.gone, e.Message.ID)
			}
		})
	}
	for ended := false; !ended && !t.Failed(); {
		gone := r.copyOf(r.gone)
		ended = len(gone) == len(all)
		for _, span := range []queue.Span{{Limit: packs * size}, {Limit: packs * size, Upto: all[len(all)-1].Seq}, {Limit: packs * size, Key: "k1"}} {
			pages, err := s.log.Read(t.Context(), []queue.Span{span})
			s.must(err)
			came := map[string]bool{}
			for _, e := range pages[0].Entries {
				came[e.Message.ID] = true
			}
			going := r.copyOf(r.going)
			for _, e := range all {
				id := e.Message.ID
				if gone[id] && came[id] {
					t.Errorf("%s was deleted before it was read", id)
				}
				if !going[id] && !came[id] && (span.Key == "" || span.Key == e.Message.Key) {
					t.Errorf("%s waits and was not read", id)
				}
			}
		}
	}
	deleters.Wait()
	s.empty()
}

// TestSearchIsBounded looks for a key among many others.
func TestSearchIsBounded(t *testing.T) {
	s := newShelf(t, redistest.New(t))
	many := make([]sync.Message, 400)
	for round := range 5 {
		s.push(fmt.Sprint("mine", round, ":k"))
		for i := range many {
			many[i] = sync.Message{ID: fmt.Sprint(round, "-", i), Key: fmt.Sprint("o", i), Payload: make([]byte, 1000)}
		}
		s.must(s.log.Append(t.Context(), t0, many))
	}
	s.push("last:k")
	span := queue.Span{Key: "k", Limit: 100}
	pages, err := s.log.Read(t.Context(), []queue.Span{span})
	s.must(err)
	if n := len(pages[0].Entries); n == 0 || n > 2 || !pages[0].More {
		t.Errorf("one call found %d messages, with more %v", n, pages[0].More)
	}
	s.read(span, "mine0", "mine1", "mine2", "mine3", "mine4", "last")
	span.Limit = 1
	s.read(span, "mine0", "mine1", "mine2", "mine3", "mine4", "last")
	s.waits(2006)
}

// TestLargeMessages has messages of a mebibyte side by side.
func TestLargeMessages(t *testing.T) {
	s := newShelf(t, redistest.New(t))
	msgs := named("a:k", "b:o", "c:k", "d:o", "e:k")
	for i := range msgs {
		msgs[i].Payload = make([]byte, 1<<20-i*100_000)
	}
	s.must(s.log.Append(t.Context(), t0, msgs))
	s.read(queue.Span{Limit: 100}, "a", "b", "c", "d", "e")
	pos := s.read(queue.Span{Limit: 2, Key: "k"}, "a", "c", "e")
	s.read(queue.Span{Limit: 1, Key: "k", After: pos["a"].Seq}, "c", "e")
}
