package hubspot

import (
	"fmt"
	"slices"
	"testing"

	"github.com/urbanhub/crmsync/sync"
	"pgregory.net/rapid"
)

// bench refuses calls that hold a culprit, and counts calls.
type bench struct {
	culprits map[int]bool
	why      error
	calls    int
	taken    []int
	failed   []int
}

func (b *bench) trial() *trial[int] {
	return &trial[int]{send: b.send, fail: func(n int, _ error) { b.failed = append(b.failed, n) }}
}

func (b *bench) send(items []int) error {
	b.calls++
	if slices.ContainsFunc(items, func(n int) bool { return b.culprits[n] }) {
		return b.why
	}
	b.taken = append(b.taken, items...)
	return nil
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

var (
	namedRefusal   = &sync.Error{Action: sync.Invalid, Err: &APIError{Details: []ErrorDetail{{Property: "email", Code: "INVALID_EMAIL"}}}}
	unnamedRefusal = &sync.Error{Action: sync.Invalid, Err: &APIError{}}
)

func TestOnePoisonInputCostsNineCalls(t *testing.T) {
	for why, most := range map[*sync.Error]int{namedRefusal: 9, unnamedRefusal: 10} {
		worst := 0
		for place := range maxBatch {
			b := &bench{culprits: map[int]bool{place: true}, why: why}
			b.trial().run(numbers(maxBatch))
			if !slices.Equal(b.failed, []int{place}) || len(b.taken) != maxBatch-1 {
				t.Fatalf("culprit %d: failed %v, %d taken", place, b.failed, len(b.taken))
			}
			worst = max(worst, b.calls)
		}
		if worst > most {
			t.Errorf("%v: %d calls, want at most %d", why, worst, most)
		}
	}
}

// Whatever the culprits are, exactly they fail and every other item is carried
// out once; the cost stays near that of halving.
func TestCulpritsAreIsolated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, maxBatch).Draw(t, "items")
		culprits := rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, n, rapid.ID[int]).Draw(t, "culprits")
		b := &bench{culprits: map[int]bool{}, why: rapid.SampledFrom([]error{namedRefusal, unnamedRefusal}).Draw(t, "why")}
		for _, c := range culprits {
			b.culprits[c] = true
		}
		b.trial().run(numbers(n))
		slices.Sort(culprits)
		slices.Sort(b.failed)
		if !slices.Equal(b.failed, culprits) {
			t.Fatalf("failed %v, want %v", b.failed, culprits)
		}
		slices.Sort(b.taken)
		if len(slices.Compact(b.taken)) != n-len(culprits) {
			t.Fatalf("taken %v", b.taken)
		}
		if most := 2*n + 20; b.calls > most {
			t.Fatalf("%d calls for %d items", b.calls, n)
		}
		if len(culprits) == 2 && b.calls > 2*10 {
			t.Fatalf("two culprits cost %d calls", b.calls)
		}
	})
}

// Two inputs that do not go together are both innocent.
func TestInputsThatDoNotGoTogetherAreParted(t *testing.T) {
	for first := range 8 {
		for second := first + 1; second < 8; second++ {
			b := &bench{why: unnamedRefusal}
			tr := b.trial()
			tr.send = func(items []int) error {
				if slices.Contains(items, first) && slices.Contains(items, second) {
					return unnamedRefusal
				}
				return b.send(items)
			}
			tr.run(numbers(8))
			slices.Sort(b.taken)
			if len(b.failed) > 0 || !slices.Equal(b.taken, numbers(8)) {
				t.Errorf("%d and %d: failed %v, taken %v", first, second, b.failed, b.taken)
			}
		}
	}
}

func TestAFaultEndsTheSearch(t *testing.T) {
	b := &bench{culprits: map[int]bool{3: true}, why: namedRefusal}
	tr := b.trial()
	tr.send = func(items []int) error {
		if b.calls++; b.calls > 1 {
			return fmt.Errorf("the network is down")
		}
		return namedRefusal
	}
	tr.run(numbers(100))
	slices.Sort(b.failed)
	if !slices.Equal(b.failed, numbers(100)) || b.calls > 3 {
		t.Errorf("failed %v by %d calls", b.failed, b.calls)
	}
}
