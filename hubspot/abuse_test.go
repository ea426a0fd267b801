package hubspot

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// both returns both receivers with bounds and a log.
func both(t *testing.T, in sync.Inbox, perSecond float64, log *slog.Logger) map[string]http.Handler {
	t.Helper()
	act, err := NewActionReceiver(in, ActionOptions{PublicURL: hookURL, Secrets: []string{hookSecret},
		MaxPerSecond: perSecond, Logger: log, Now: func() time.Time { return hookNow }})
	if err != nil {
		t.Fatal(err)
	}
	hook := newHook(t, in, func(o *ReceiverOptions) { o.MaxPerSecond, o.Logger = perSecond, log })
	return map[string]http.Handler{"webhooks": hook, "actions": act}
}

func TestReceiversBoundAFlood(t *testing.T) {
	for name, h := range both(t, &inbox{}, 0.001, nil) {
		if w := send(h, signed([]byte("[]"))); w.Code == http.StatusServiceUnavailable {
			t.Errorf("%s: the first is refused", name)
		}
		if w := send(h, signed([]byte("[]"))); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: the second is answered %d", name, w.Code)
		}
	}
}

// A signed bomb of 4 MB is 4 kB long. Nobody unpacks it.
func TestReceiversUnpackNothing(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.CopyN(z, zeros{}, 4<<20); err != nil || z.Close() != nil || bomb.Len() > 10_000 {
		t.Fatal(err, bomb.Len())
	}
	for name, h := range both(t, &inbox{}, 0, nil) {
		told, hidden := signed(bomb.Bytes()), signed(bomb.Bytes())
		told.Header.Set("Content-Encoding", "gzip")
		if got := send(h, told).Code; got != http.StatusUnsupportedMediaType {
			t.Errorf("%s: a compressed body is answered %d", name, got)
		}
		if got := send(h, hidden).Code; got != http.StatusBadRequest {
			t.Errorf("%s: one that does not say so is answered %d", name, got)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestReceiversSurviveDeepJSON(t *testing.T) {
	in := &inbox{}
	for name, h := range both(t, in, 0, nil) {
		for _, open := range []string{"[", `{"a":`, `[{"propertyValue":`} {
			if got := send(h, signed([]byte(strings.Repeat(open, 50_000)))).Code; got != http.StatusBadRequest {
				t.Errorf("%s: 50,000 times %s is answered %d", name, open, got)
			}
		}
	}
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	body := fmt.Sprintf(`[{"subscriptionType":"contact.propertyChange","objectId":1,"propertyName":"x","propertyValue":%s}]`, deep)
	if got := send(newHook(t, in, nil), signed([]byte(body))).Code; got != http.StatusNoContent || len(in.items) > 1 {
		t.Errorf("a deep value is answered %d, %d items", got, len(in.items))
	}
}

// What strangers write can neither end a line of the log nor begin one.
func TestWhatStrangersSendStaysInItsLogLine(t *testing.T) {
	const hostile = "x\r\nlevel=ERROR msg=forged \x1b[31m\u2028{\"level\":\"ERROR\"}"
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		var log bytes.Buffer
		sent := 0
		for _, h := range both(t, &inbox{}, 0, slog.New(handler(&log))) {
			for header := range map[string]bool{"X-HubSpot-Signature-v3": true, "X-HubSpot-Request-Timestamp": true, "X-HubSpot-Signature": true} {
				r := signed([]byte(`[{"subscriptionType":"` + `x\r\ny` + `"}]`))
				r.Header.Set(header, hostile)
				r.Header.Set("User-Agent", hostile)
				send(h, r)
				sent++
			}
			send(h, signed([]byte(hostile)))
			sent++
		}
		lines := strings.Count(log.String(), "\n")
		if lines == 0 || lines > sent || strings.Contains(log.String(), "forged") || strings.ContainsAny(log.String(), "\r\x1b\u2028") {
			t.Errorf("%s: %d lines of %d requests:\n%q", name, lines, sent, log.String())
		}
	}
}

// Where the files of the journal lie is told by an answer. Without a client of
// the host's, an answer cannot have this machine or its network asked.
func TestTheJournalAsksNobodyInside(t *testing.T) {
	reached := false
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer inside.Close()
	j, err := NewJournal(Static("test-token"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{inside.URL + "/file", "https://169.254.169.254/latest/meta-data", "https://[::ffff:10.0.0.1]/"} {
		file, _, err := j.download(t.Context(), journalRef{URL: address, Offset: "1"})
		if err == nil || file != nil || reached || strings.Contains(err.Error(), address) {
			t.Errorf("%s: %+v, reached %t, %v", address, file, reached, err)
		}
	}
	for _, address := range []string{"http://files.example.com/1", "https://user@files.example.com/1", "file:///etc/passwd", "//files.example.com", ""} {
		if j.checkRef(opJournalNext, journalRef{URL: address, Offset: "1"}) == nil {
			t.Errorf("%q is taken for the address of a file", address)
		}
	}
}
