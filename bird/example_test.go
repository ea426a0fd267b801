package bird_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// printer is an inbox that tells what it is given.
type printer struct{}

func (printer) Enqueue(_ context.Context, items ...sync.Item) error {
	for _, item := range items {
		switch i := item.(type) {
		case sync.Change:
			fmt.Println("look at", i.Ref)
		case sync.Fact:
			fmt.Println(i.Type, "of", i.Subject, "at", i.Data["starts_at"])
		}
	}
	return nil
}

// An adapter creates a contact under the other system's id, and finds it again
// by its phone.
func Example() {
	server := birdtest.NewServer(nil) // in production: nothing, and no BaseURL
	defer server.Close()
	adapter, err := bird.New(server.WorkspaceID, server.AccessKey, &bird.Options{
		BaseURL: server.URL,
		Fields:  []string{"external_id", "msisdn", "name", "property_interest"},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	results, err := adapter.Apply(ctx, []sync.Write{{
		Ref: sync.Ref{System: bird.System, Kind: bird.Contact},
		Key: "external_id",
		Fields: sync.Fields{"external_id": sync.Text("901"), "msisdn": sync.Text("+573000000001"),
			"name": sync.Text("Jane Doe"), "property_interest": sync.Text("two-bedroom")},
	}})
	if err != nil || results[0].Err != nil {
		log.Fatal(err, results[0].Err)
	}
	fmt.Println("created:", results[0].Created)

	matches, err := adapter.Match(ctx, bird.Contact, []sync.Probe{{{Name: "msisdn", Value: sync.Text("+573000000001")}}})
	if err != nil {
		log.Fatal(err)
	}
	found := matches[0].Candidates[0].Fields
	fmt.Println("found:", found["name"], found["external_id"], found["property_interest"])
	// Output:
	// created: true
	// found: Jane Doe 901 two-bedroom
}

func ExampleNew() {
	_, err := bird.New("5d0e8f1a-7c52-4b7e-9a43-2f6c1b0d9e11", "bk_us1_example", nil)
	fmt.Println(err)
	// Output:
	// bird: configure: fatal by rule accesskey.workspace: the configuration is not usable (a key that begins with bk_ belongs to Bird's newer developer platform, which has no conversations; create an access key in the workspace under Developers, Access keys)
}

// A Flow's HTTP step tells of a booked tour. The customer named the fields;
// Map says where they are.
func ExampleNewFlowReceiver() {
	receiver, err := bird.NewFlowReceiver(printer{}, bird.FlowOptions{
		Secrets: []string{"a long random text"},
		Map:     bird.FlowMap{Paths: map[string]string{"bird_contact_id": "contact.id"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	call := httptest.NewRequest(http.MethodPost, "/flow", strings.NewReader(`{
		"event": "tour.scheduled", "event_id": "run-1",
		"contact": {"id": "e013a75b-b5ac-4341-aa7c-571d38d067d0"},
		"tour": {"starts_at": "2026-01-25T10:00:00Z"}}`))
	call.Header.Set("Authorization", "Bearer a long random text")
	answer := httptest.NewRecorder()
	receiver.ServeHTTP(answer, call)
	fmt.Println(answer.Code)
	// Output:
	// look at bird:contact:e013a75b-b5ac-4341-aa7c-571d38d067d0
	// tour.scheduled of bird:contact:e013a75b-b5ac-4341-aa7c-571d38d067d0 at 2026-01-25T10:00:00Z
	// 204
}

// The customer's own names are told in a file. What is wrong with one is said
// with its place.
func ExampleLoadFlowMap() {
	_, err := bird.LoadFlowMap("flows.yaml", []byte(`
events:
  visita.agendada:
    fact: tour.scheduled
    path: {starts_at: visita.inicio}
`))
	fmt.Println(err)
	flows, err := bird.LoadFlowMap("flows.yaml", []byte(`
events:
  visita.agendada:
    fact: tour.scheduled
    paths: {starts_at: visita.inicio}
    required: [starts_at, property]
`))
	if err != nil {
		log.Fatal(err)
	}
	receiver, err := bird.NewFlowReceiver(printer{}, bird.FlowOptions{Secrets: []string{"a long random text"}, Map: flows})
	if err != nil {
		log.Fatal(err)
	}
	call := httptest.NewRequest(http.MethodPost, "/flow", strings.NewReader(
		`{"event": "visita.agendada", "bird_contact_id": "e013a75b-b5ac-4341-aa7c-571d38d067d0", "visita": {"inicio": ""}}`))
	call.Header.Set("Authorization", "Bearer a long random text")
	answer := httptest.NewRecorder()
	receiver.ServeHTTP(answer, call)
	fmt.Print(answer.Code, "\n", answer.Body)
	// Output:
	// bird: load flow map: fatal by rule yaml.key: at flows.yaml:5:5 (field path is not known; use fact, paths and required)
	// 422
	// the field starts_at of the event visita.agendada (at "visita.inicio") is missing or empty
	// the field property of the event visita.agendada (at "tour.property" or "property") is missing or empty
}

// Bird signs its webhooks over the subscription's URL, so the public one must
// be given.
func ExampleNewReceiver_forged() {
	receiver, err := bird.NewReceiver(printer{}, bird.ReceiverOptions{
		PublicURL: "https://sync.example.com/webhooks/bird",
		Secrets:   []string{"the subscription's signing key"},
	})
	if err != nil {
		log.Fatal(err)
	}
	forged := httptest.NewRequest(http.MethodPost, "/webhooks/bird", strings.NewReader(`{"event":"conversation.created"}`))
	answer := httptest.NewRecorder()
	receiver.ServeHTTP(answer, forged)
	fmt.Println(answer.Code)
	// Output:
	// 401
}
