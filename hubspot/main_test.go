package hubspot

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if v := os.Getenv(peerVariable); v != "" {
		if err := bePeer(v); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// fixture reads a JSON file of testdata.
func fixture[T any](t testing.TB, name string) T {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// scripted returns an adapter whose calls the handler answers, and a place to
// see the calls.
func scripted(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, body []byte)) *Adapter {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		handle(w, r, body)
	}))
	t.Cleanup(s.Close)
	a, err := New(Static("test-token"), &Options{BaseURL: s.URL, HTTPClient: s.Client(), Linger: time.Millisecond, RatePer10s: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func update(id string, fields sync.Fields) sync.Write {
	return sync.Write{Ref: objectTypes[Contact].ref(id), Fields: fields}
}

func upsert(key, value string, fields sync.Fields) sync.Write {
	f := fields.Clone()
	f[key] = sync.Text(value)
	return sync.Write{Ref: objectTypes[Contact].ref(""), Key: key, Fields: f}
}
