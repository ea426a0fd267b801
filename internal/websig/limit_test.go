package websig_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
)

// unread fails when somebody reads it.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body of a refused request was read")
	return 0, errors.New("unread")
}

func TestLimitRefusesMoreThanAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told, release := 0, make(chan struct{})
		h := websig.Limit{AtOnce: 2}.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			<-release
			w.WriteHeader(http.StatusNoContent)
		}), func(int) { told++ })
		codes := make(chan int, 2)
		for range 2 {
			go func() { codes <- post(h, nil).Code }()
		}
		synctest.Wait()
		for range 5 {
			if w := post(h, unread{t}); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
				t.Errorf("the third at once: %d %v", w.Code, w.Header())
			}
		}
		close(release)
		if a, b := <-codes, <-codes; a != 204 || b != 204 || told != 1 {
			t.Errorf("those within: %d and %d, told %d times", a, b, told)
		}
		if w := post(h, nil); w.Code != 204 {
			t.Errorf("afterwards: %d", w.Code)
		}
	})
}

func TestLimitRefusesMoreThanItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		h := websig.Limit{PerSecond: 10}.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), func(int) { told++ })
		in := func(n int) (passed int) {
			for range n {
				if post(h, nil).Code == http.StatusOK {
					passed++
				}
			}
			return passed
		}
		if got := in(50); got != 10 {
			t.Errorf("%d of a burst passed, want 10", got)
		}
		time.Sleep(500 * time.Millisecond)
		if got := in(50); got != 5 {
			t.Errorf("%d passed after half a second, want 5", got)
		}
		time.Sleep(time.Hour)
		if got := in(50); got != 10 || told != 2 {
			t.Errorf("%d passed after an hour, want 10; told %d times, want 2", got, told)
		}
	})
}

func TestLimitHasBoundsThatSayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := websig.Limit{PerSecond: -1, AtOnce: -1}.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil)
		passed := 0
		for range 1500 {
			if post(h, nil).Code == http.StatusOK {
				passed++
			}
		}
		if passed != 1000 {
			t.Errorf("%d passed, want 1000", passed)
		}
	})
}

func TestReadBodyTakesNothingCompressed(t *testing.T) {
	for encoding, want := range map[string]error{"": nil, "identity": nil, "Identity": nil, "gzip": websig.ErrEncoded, "br, gzip": websig.ErrEncoded} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
		if encoding != "" {
			r.Header.Set("Content-Encoding", encoding)
		}
		if _, err := websig.ReadBody(httptest.NewRecorder(), r, 10); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", encoding, err, want)
		}
	}
}

func post(h http.Handler, body interface{ Read([]byte) (int, error) }) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/", body))
	return w
}
