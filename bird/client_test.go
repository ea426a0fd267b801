package bird

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// answers is a transport that answers each call with an empty object.
type answers struct{}

func (answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// A probe in which the host's own code panics leaves the circuit to the next.
func TestAPanicInAProbeLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		a, err := New("3f0cd6a2-52e1-4b5c-9b57-0a5e6f1d2c3b", "accesskey", &Options{HTTPClient: &http.Client{Transport: answers{}}, OnCall: func(sync.Call) {
			if told++; told == 1 {
				panic("of the host")
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			leave, err := a.breaker.Enter(t.Context(), reads)
			if err != nil {
				t.Fatal(err)
			}
			_ = leave(context.Background(), errors.New("down"))
		}
		if len(a.breaker.Open()) != 1 {
			t.Fatal("the circuit is not open")
		}
		time.Sleep(time.Minute)
		probe := func() (panicked any, err error) {
			defer func() { panicked = recover() }()
			_, err = a.call(t.Context(), request{op: "bird: get contact", method: http.MethodGet, path: "/"}, nil)
			return nil, err
		}
		if panicked, err := probe(); panicked == nil {
			t.Fatalf("no panic but %v", err)
		}
		if panicked, err := probe(); panicked != nil || err != nil || len(a.breaker.Open()) > 0 {
			t.Errorf("the next probe: %v, %v; open: %v", panicked, err, a.breaker.Open())
		}
	})
}
