package birdtest_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// The client under test registers its public address; the proxy leads from
// there to the receiver.
func ExampleServer_Proxy() {
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.URL, r.Header.Get("X-Forwarded-Host"), r.Header.Get("messagebird-signature") != "")
	}))
	defer ours.Close()
	server := birdtest.NewServer(nil)
	defer server.Close()
	server.Proxy("https://sync.example.com", ours.URL)

	req, err := http.NewRequest("POST", server.URL+"/workspaces/"+server.WorkspaceID+"/webhook-subscriptions", strings.NewReader(
		`{"service":"conversations","event":"conversation.created","url":"https://sync.example.com/bird","signingKey":"a long random text"}`))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Authorization", "AccessKey "+server.AccessKey)
	res, err := server.Client().Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	fmt.Println(res.StatusCode)

	id, err := server.Create(map[string]any{"name": "Jane Doe"})
	if err != nil {
		log.Fatal(err)
	}
	server.StartConversation(id)
	if err := server.WaitWebhooks(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 201
	// /bird sync.example.com true
}

// An AI employee's action calls an endpoint of ours with a body that the
// customer wrote.
func ExampleServer_AddFlow() {
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(string(body), strings.HasPrefix(r.Header.Get("X-Signature"), "sha256="))
	}))
	defer ours.Close()
	server := birdtest.NewServer(nil)
	defer server.Close()
	id, err := server.Create(map[string]any{"name": "Jane Doe"})
	if err != nil {
		log.Fatal(err)
	}
	server.AddFlow(birdtest.Flow{URL: ours.URL, HMACKey: "a long random text", Body: map[string]any{
		"event": "{{event}}", "who": "{{context.contact.computedDisplayName}}", "at": "{{arguments.at}}",
	}})
	server.RunFlow(id, "tour.scheduled", map[string]any{"at": "2026-01-25T10:00:00Z"})
	if err := server.WaitWebhooks(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output: {"at":"2026-01-25T10:00:00Z","event":"tour.scheduled","who":"Jane Doe"} true
}

// A thousand edits that nobody tells of wait for a walk through the list.
func ExampleServer_Fill() {
	server := birdtest.NewServer(&birdtest.Options{GETPerSecond: -1})
	defer server.Close()
	ids := server.Fill(10_000)
	for _, id := range ids[:1_000] {
		if err := server.EditSilently(id, map[string]any{"city": "Cali"}); err != nil {
			log.Fatal(err)
		}
	}
	first, _ := server.Contact(ids[0])
	last, _ := server.Contact(ids[9_999])
	fmt.Println(first.Field("name"), first.Field("city"), last.Field("msisdn"), last.Field("city"))
	// Output: Person 000001 Cali +573000010000 <nil>
}

// A role with too few rights shows what the client makes of 403.
func ExampleServer_SetPolicies() {
	server := birdtest.NewServer(nil)
	defer server.Close()
	server.SetPolicies(birdtest.Policy{Actions: []string{"View"}, Resources: []string{"/workspaces/*/contacts"}})
	for _, path := range []string{"/contacts", "/conversations"} {
		req, err := http.NewRequest("GET", server.URL+"/workspaces/"+server.WorkspaceID+path, nil)
		if err != nil {
			log.Fatal(err)
		}
		req.Header.Set("Authorization", "AccessKey "+server.AccessKey)
		res, err := server.Client().Do(req)
		if err != nil {
			log.Fatal(err)
		}
		res.Body.Close()
		fmt.Println(path, res.StatusCode)
	}
	// Output:
	// /contacts 200
	// /conversations 403
}
