package websig_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
)

func TestReadBodyIsBounded(t *testing.T) {
	for _, tt := range []struct {
		size    int
		chunked bool
		fits    bool
	}{{0, false, true}, {10, false, true}, {10, true, true}, {11, false, false}, {11, true, false}} {
		var body io.Reader = strings.NewReader(strings.Repeat("x", tt.size))
		if tt.chunked {
			body = io.MultiReader(body) // hides the length
		}
		got, err := websig.ReadBody(httptest.NewRecorder(), httptest.NewRequest("POST", "/", body), 10)
		if tt.fits && (err != nil || len(got) != tt.size) || !tt.fits && !errors.Is(err, websig.ErrTooLarge) {
			t.Errorf("%+v: got %d bytes, %v", tt, len(got), err)
		}
	}
}

func TestEqualAny(t *testing.T) {
	a, b := []byte("aaaa"), []byte("bbbb")
	if !websig.EqualAny(b, a, b) || websig.EqualAny([]byte("cccc"), a, b) || websig.EqualAny(a) || websig.EqualAny(nil, a) {
		t.Fatal("wrong comparison")
	}
}

func TestFresh(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_000)
	for d, want := range map[time.Duration]bool{
		0: true, 5 * time.Minute: true, -5 * time.Minute: true,
		5*time.Minute + time.Millisecond: false, -5*time.Minute - time.Millisecond: false,
	} {
		if got := websig.Fresh(now, now.Add(d), 5*time.Minute); got != want {
			t.Errorf("%v: got %v", d, got)
		}
	}
}
