package dashboard

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

func TestFeedForgetsTheOldest(t *testing.T) {
	f := NewFeed(3)
	at := time.Unix(1_800_000_000, 0)
	for i := range 5 {
		f.Observe(sync.Event{Type: sync.EventSwept, At: at, Count: i})
	}
	f.Observe(sync.Event{Type: sync.EventTaken, At: at, Count: 9}) // not kept
	got := f.latest(10, func(*sync.Event) bool { return true })
	if len(got) != 3 || got[0].Count != 4 || got[2].Count != 2 {
		t.Errorf("the feed has %v, want the last three, the newest first", got)
	}
}

func TestFeedKeepsNoValue(t *testing.T) {
	f := NewFeed(0)
	d := &sync.Decision{Field: "email", Before: [2]sync.Value{sync.Text("a"), sync.Text("b")}, After: sync.Text("b")}
	f.Observe(sync.Event{Type: sync.EventDecided, At: time.Now(), Decision: d})
	got := f.latest(1, func(*sync.Event) bool { return true })[0].Decision
	if got.Field != "email" || got.Before != [2]sync.Value{} || got.After != (sync.Value{}) {
		t.Errorf("the feed keeps %v", got)
	}
	if d.After != sync.Text("b") {
		t.Error("the feed changed the engine's own decision")
	}
}

func TestFeedCounts(t *testing.T) {
	f := NewFeed(0)
	now := time.Unix(1_800_000_000, 0)
	if _, ok := f.lag(0.5); ok {
		t.Error("there is a lag before anything was synced")
	}
	f.Observe(sync.Event{Type: sync.EventSynced, At: now.Add(-2 * time.Hour), Lag: time.Second}) // its minute is over
	for i := range 99 {
		f.Observe(sync.Event{Type: sync.EventSynced, At: now, Lag: time.Duration(i) * time.Millisecond})
	}
	f.Observe(sync.Event{Type: sync.EventSynced, At: now, Lag: -time.Hour}) // a clock that is ahead
	hour := f.lastHour(now)
	if last := hour[59]; last.synced != 100 || last.slowest != 98*time.Millisecond || hour[0].synced != 0 {
		t.Errorf("the last minute has %+v, the first %+v", last, hour[0])
	}
	if p50, _ := f.lag(0.5); p50 != 49*time.Millisecond {
		t.Errorf("the median lag is %v", p50)
	}
	if most, _ := f.lag(1); most != time.Second {
		t.Errorf("the longest lag is %v", most)
	}
}

func TestVendoredFiles(t *testing.T) {
	list, err := assetFiles.ReadFile("assets/VENDOR.txt")
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(assetFiles, "assets/*.min.js")
	if err != nil || len(files) != 2 {
		t.Fatalf("%d vendored files, %v", len(files), err)
	}
	for _, name := range files {
		content, err := assetFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if line := hex.EncodeToString(sum[:]) + "  " + strings.TrimPrefix(name, "assets/"); !strings.Contains(string(list), line) {
			t.Errorf("VENDOR.txt lacks the line %q", line)
		}
	}
}

func TestMasked(t *testing.T) {
	for text, want := range map[string]string{"": "•••", "Ada": "•••", "1234567": "•••", "ada@example.com": "a••••••om", "Zoë Ünsal": "Z••••••al"} {
		if got := masked(text); got != want {
			t.Errorf("masked(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestLastSeqGallops(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 7, 8, 100, 1001} {
		store := &counting{n: int64(n)}
		d := &Dashboard{opts: Options{Config: sync.Config{Store: store}}}
		got, err := d.lastSeq(t.Context())
		if err != nil || got != int64(n) {
			t.Errorf("the last of %d entries is %d, %v", n, got, err)
		}
		if store.calls > 40 {
			t.Errorf("%d entries took %d calls", n, store.calls)
		}
	}
}
