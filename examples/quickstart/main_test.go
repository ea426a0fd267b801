package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// TestStory plays the whole story with few contacts.
func TestStory(t *testing.T) {
	var story, table bytes.Buffer
	s, err := begin(t.Context(), 10, 3, &story)
	defer s.close()
	if err == nil {
		err = s.play(t.Context())
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, &story)
	}
	rep := s.rep
	if len(rep.Disagreements) > 0 || rep.Agreement != 1 || rep.MostWrites > 1 || rep.Dead != 0 || rep.Conflicts == 0 || rep.Echoes == 0 ||
		rep.Deals != leads || rep.Activities != (activities{Note: 14, Task: 3, Meeting: 3}) {
		t.Errorf("the report is %+v\n%s", rep, &story)
	}
	for _, topic := range []string{"first sync", "new leads", "hubspot>bird", "echo", "conflict", "doubled", "dropped",
		"outage", "dead letter", "replayed", "rush", "whatsapp", "handover",
		"leasing", "sales", "late event", "lease", "explain", "verify"} {
		if !strings.Contains(story.String(), "s  "+topic) {
			t.Errorf("the story lacks the step %q:\n%s", topic, &story)
		}
	}
	rep.Pass = true
	rep.print(&table)
	if !strings.Contains(table.String(), "PASS") {
		t.Errorf("the table lacks PASS:\n%s", &table)
	}
	testServe(t, s)
}

// testServe goes on after the story as with -serve: there is one dead letter,
// and it leaves when somebody replays it.
func testServe(t *testing.T, s *story) {
	out, in := io.Pipe()
	s.out = in
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- s.serve(ctx, "127.0.0.1:0")
		_ = in.Close()
	}()
	lines := bufio.NewScanner(out)
	url := ""
	for url == "" && lines.Scan() {
		_, url, _ = strings.Cut(lines.Text(), "Dashboard   ")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if page := fetch(t, url+"dead"); !strings.Contains(page, "phone.e164 in phone") {
		t.Errorf("there is no dead letter to replay:\n%s", page)
	}
	letters, err := s.queue.Dead(t.Context(), sync.DeadFilter{})
	if err != nil || len(letters) != 1 {
		t.Fatalf("%d dead letters, %v", len(letters), err)
	}
	if _, err := s.queue.Replay(t.Context(), time.Now(), letters[0].Message.ID); err != nil {
		t.Fatal(err)
	}
	for contact, ok := s.bird.Contact(s.ids[waiting]); !ok || contact.Field("msisdn") != "+573019000009"; contact, ok = s.bird.Contact(s.ids[waiting]) {
		time.Sleep(10 * time.Millisecond)
	}
	if page := fetch(t, url+"dead"); !strings.Contains(page, "No dead letters") {
		t.Errorf("the dead letter did not leave:\n%s", page)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestReportFails shows that a disagreement is not passed over.
func TestReportFails(t *testing.T) {
	var table bytes.Buffer
	rep := report{Disagreements: []string{"contact 1 differs"}}
	rep.print(&table)
	if !strings.Contains(table.String(), "FAIL") || !strings.Contains(table.String(), "contact 1 differs") {
		t.Errorf("the table is:\n%s", &table)
	}
}
