package birdtest_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/internal/simhttp"
)

const channelID = "25431165-c486-4a94-94f6-b3633c9af905"

// hooked is a subscription with changes.
func hooked(changes object) object {
	o := object{"service": "conversations", "event": "conversation.updated", "url": "https://sync.example.com/webhooks/bird", "signingKey": "key"}
	maps.Copy(o, changes)
	return o
}

func TestPoint09SubscriptionsOfBothAddresses(t *testing.T) {
	s := newServer(t, nil)
	long := s.URL + "/organizations/" + s.OrganizationID + "/workspaces/" + s.WorkspaceID
	for _, base := range []string{s.URL + "/workspaces/" + s.WorkspaceID, long} {
		do := func(method, path string, body any) (int, object) {
			return send(t, s, method, base+"/webhook-subscriptions"+path, "AccessKey "+s.AccessKey, body)
		}
		status, made := do("POST", "", hooked(object{"eventFilters": []object{{"key": "channelId", "value": channelID}}}))
		want(t, "create", []any{status, made["signingKey"], made["status"], made["workspaceId"], made["organizationId"], made["template"]},
			[]any{201, "key", "active", s.WorkspaceID, s.OrganizationID, ""})
		path := "/" + made["id"].(string)
		status, read := do("GET", path, nil)
		delete(made, "signingKey")
		want(t, "the key is hidden", []any{status, read}, []any{200, made})
		status, changed := do("PATCH", path, object{"signingKey": "new", "status": "inactive"})
		want(t, "patch", []any{status, changed["status"], changed["signingKey"], changed["event"]}, []any{200, "inactive", nil, "conversation.updated"})
		_, all := do("GET", "", nil)
		want(t, "list", all["results"], any([]any{changed}))
		status, _ = do("DELETE", path, nil)
		want(t, "delete", status, 204)
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			status, body := do(method, path, object{})
			want(t, method, []any{status, body["code"]}, []any{404, "NotFound"})
		}
	}
	status, _ := send(t, s, "GET", long+"/contacts", "AccessKey "+s.AccessKey, nil)
	want(t, "contacts have one address", status, 401)
}

func TestPoint09SubscriptionRules(t *testing.T) {
	s := newServer(t, nil)
	filter := func(key, value string) object { return object{"key": key, "value": value} }
	for _, tt := range []struct {
		name   string
		body   object
		status int
	}{
		{"plain http", hooked(object{"url": "http://sync.example.com/bird"}), 422},
		{"port", hooked(object{"url": "https://sync.example.com:8443/bird"}), 422},
		{"address", hooked(object{"url": "https://192.0.2.1/bird"}), 422},
		{"localhost", hooked(object{"url": "https://localhost/bird"}), 422},
		{"query without a path", hooked(object{"url": "https://sync.example.com?a=b"}), 422},
		{"query", hooked(object{"url": "https://sync.example.com/bird?a=b"}), 201},
		{"no path", hooked(object{"url": "https://sync.example.com"}), 201},
		{"no url", hooked(object{"url": nil}), 422},
		{"service", hooked(object{"service": "contacts", "event": "contact.updated"}), 422},
		{"event of another service", hooked(object{"service": "channels"}), 422},
		{"event that does not exist", hooked(object{"event": "conversation.resolved"}), 422},
		{"no event", hooked(object{"event": ""}), 422},
		{"two events", hooked(object{"event": []string{"a", "b"}}), 422},
		{"numbers", hooked(object{"service": "numbers", "event": "number.created"}), 201},
		{"unknown filter", hooked(object{"eventFilters": []object{filter("language", "es")}}), 422},
		{"two values", hooked(object{"eventFilters": []object{filter("channelId", "a"), filter("channelId", "b")}}), 422},
		{"status", hooked(object{"status": "paused"}), 422},
		{"inactive", hooked(object{"status": "inactive"}), 201},
		{"no filters", hooked(object{"eventFilters": nil}), 201},
	} {
		status, body := call(t, s, "POST", "/webhook-subscriptions", tt.body)
		if status != tt.status {
			t.Errorf("%s: got %d %v, want %d", tt.name, status, body["message"], tt.status)
		}
	}
	open := newServer(t, &birdtest.Options{AnyWebhookURL: true})
	status, made := exchange(t, open, "POST", open.URL+"/workspaces/"+open.WorkspaceID+"/webhook-subscriptions", "AccessKey "+open.AccessKey,
		hooked(object{"url": "http://127.0.0.1:8080/bird"})) // which is beside the model
	want(t, "any address", status, 201)
	status, _ = call(t, open, "PATCH", "/webhook-subscriptions/"+made["id"].(string), object{"event": "none"})
	want(t, "patch to nonsense", status, 422)
}

func TestPoint09FivePerFilter(t *testing.T) {
	s := newServer(t, nil)
	create := func(event string, filters []object) int {
		status, _ := call(t, s, "POST", "/webhook-subscriptions", hooked(object{"event": event, "eventFilters": filters}))
		return status
	}
	filters := []object{{"key": "channelId", "value": "a"}, {"key": "messageStatus", "value": "b"}}
	turned := []object{filters[1], filters[0]}
	for range 5 {
		want(t, "without filters", create("conversation.updated", nil), 201)
		want(t, "with filters", create("conversation.updated", filters), 201)
	}
	want(t, "sixth", []int{create("conversation.updated", nil), create("conversation.updated", filters),
		create("conversation.updated", turned)}, []int{422, 422, 422})
	want(t, "other combinations", []int{create("conversation.updated", filters[:1]), create("conversation.created", nil)}, []int{201, 201})
}

func TestPoint09AvailableWebhooks(t *testing.T) {
	s := newServer(t, nil)
	names := func(query string) map[string][]string {
		found := map[string][]string{}
		_, body := call(t, s, "GET", "/available-webhooks"+query, nil)
		for _, service := range body["results"].([]any) {
			for _, e := range service.(object)["events"].([]any) {
				name := service.(object)["service"].(string)
				found[name] = append(found[name], e.(object)["name"].(string))
			}
		}
		return found
	}
	conversations := []string{"conversation.created", "conversation.updated", "conversation.deleted"}
	want(t, "one service", names("?service=conversations"), map[string][]string{"conversations": conversations})
	all := names("")
	want(t, "all", []any{len(all), all["conversations"]}, []any{2, conversations})
	for _, event := range []string{"whatsapp.inbound", "whatsapp.outbound", "whatsapp.interaction", "sms.outbound", "channel.created"} {
		if !slices.Contains(all["channels"], event) {
			t.Error("no", event)
		}
	}
	for _, event := range all["channels"] {
		if strings.HasPrefix(event, "contact.") || strings.HasPrefix(event, "message.") {
			t.Error("invented event", event)
		}
	}
}

// TestPoint10SpecificSubscriptionsTakeEvents lets the subscription with the
// matching filter take events from the one without.
func TestPoint10SpecificSubscriptionsTakeEvents(t *testing.T) {
	s := newServer(t, nil)
	general, specific, other := newHook(t, 200), newHook(t, 200), newHook(t, 200)
	s.Subscribe("whatsapp.inbound", general.URL, "general")
	s.Subscribe("whatsapp.inbound", other.URL, "other", birdtest.Filter{Key: "messageStatus", Value: "failed"})
	id := s.Subscribe("whatsapp.inbound", specific.URL, "specific", birdtest.Filter{Key: "messageStatus", Value: "delivered"})
	conversation := s.StartConversation(person(t, s))
	s.ReceiveMessage(conversation, "Hello")
	waitWebhooks(t, s)
	want(t, "taken", []int{len(general.bodies()), len(specific.bodies()), len(other.bodies())}, []int{0, 1, 0})
	call(t, s, "PATCH", "/webhook-subscriptions/"+id, object{"status": "inactive", "url": "https://sync.example.com/x"})
	s.ReceiveMessage(conversation, "Hello")
	waitWebhooks(t, s)
	want(t, "inactive", []int{len(general.bodies()), len(specific.bodies())}, []int{1, 1})
	want(t, "each has its own key", []bool{signedBy(specific, 0, "specific"), signedBy(general, 0, "general"), signedBy(general, 0, "specific")},
		[]bool{true, true, false})
}

// TestPoint10EveryEventNamesItsChannel filters by the channel that everything
// happens on, and by another one.
func TestPoint10EveryEventNamesItsChannel(t *testing.T) {
	s := newServer(t, &birdtest.Options{StatusDelay: -1})
	events := []string{"conversation.created", "conversation.updated", "conversation.deleted", "whatsapp.inbound", "whatsapp.outbound"}
	here, elsewhere := newHook(t, 200), newHook(t, 200)
	for _, event := range events {
		s.Subscribe(event, here.URL, "key", birdtest.Filter{Key: "channelId", Value: birdtest.DefaultChannel})
		s.Subscribe(event, elsewhere.URL, "key", birdtest.Filter{Key: "channelId", Value: channelID})
	}
	conversation := s.StartConversation(person(t, s))
	s.ReceiveMessage(conversation, "Hello")
	s.BotSays(conversation, "Good morning")
	call(t, s, "DELETE", "/conversations/"+conversation, nil)
	waitWebhooks(t, s)
	seen := map[string]bool{}
	for _, b := range here.bodies() {
		seen[b["event"].(string)] = true
	}
	for _, event := range events {
		want(t, event, seen[event], true)
	}
	want(t, "elsewhere", len(elsewhere.raw), 0)
}

// TestPoint10ProxiesAndPipes registers a public address that leads to a
// receiver on pipes, in a bubble.
func TestPoint10ProxiesAndPipes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		h := &hook{URL: "https://sync.example.com/webhooks/bird?tenant=acme", statuses: []int{200}}
		web := simhttp.Pipe(h)
		defer web.Close()
		s.SetWebhookClient(web.Client())
		s.Proxy("https://sync.example.com", web.URL)
		status, _ := call(t, s, "POST", "/webhook-subscriptions", hooked(object{"event": "conversation.created", "url": h.URL}))
		want(t, "create", status, 201)
		s.StartConversation(person(t, s))
		waitWebhooks(t, s)
		want(t, "signed over the public address", []any{len(h.raw), signedBy(h, 0, "key")}, []any{1, true})
		want(t, "forwarded", []string{h.headers[0].Get("X-Forwarded-Proto"), h.headers[0].Get("X-Forwarded-Host")},
			[]string{"https", "sync.example.com"})
	})
}

// TestPoint10AnOutageOfEightHours fails every delivery for seven hours: none is
// lost, and each keeps its first timestamp and the key it was first signed with.
func TestPoint10AnOutageOfEightHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		opens := time.Now().Add(7 * time.Hour)
		h := &hook{URL: "https://sync.example.com/bird", statuses: []int{200}}
		web := simhttp.Pipe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if time.Now().Before(opens) {
				w.WriteHeader(503)
				return
			}
			h.ServeHTTP(w, r)
		}))
		defer web.Close()
		s.SetWebhookClient(web.Client())
		s.Proxy("https://sync.example.com", web.URL)
		s.SetChaos(birdtest.Chaos{Delay: time.Minute, Duplicate: 1})
		id := s.Subscribe("conversation.created", h.URL, "old")
		began := time.Now().Unix()
		for i := range 20 {
			other, err := s.Create(object{"name": fmt.Sprint("Person ", i)})
			if err != nil {
				t.Fatal(err)
			}
			s.StartConversation(other)
		}
		call(t, s, "PATCH", "/webhook-subscriptions/"+id, object{"signingKey": "new", "url": "https://elsewhere.example.com/"})
		if err := s.WaitWebhooks(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(t, "delivered twice each", len(h.raw), 40)
		seen := map[any]int{}
		for i, b := range h.bodies() {
			seen[b["payload"].(object)["id"]]++
			if !signedBy(h, i, "old") {
				t.Error("a retry has another signature")
			}
			at, err := strconv.ParseInt(h.headers[i].Get("messagebird-request-timestamp"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if at != began {
				t.Errorf("the timestamp moved by %d s", at-began)
			}
		}
		want(t, "conversations", len(seen), 20)
	})
}

func TestPoint10DeliveryLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(&birdtest.Options{FreshRequestIDs: true, WebhookRetries: 2, WebhookRetryScale: 0.5})
		defer s.Close()
		h := &hook{statuses: []int{503, 200, 500}}
		web := simhttp.Pipe(h)
		defer web.Close()
		s.SetWebhookClient(web.Client())
		path := "/webhook-subscriptions/" + s.Subscribe("conversation.created", "http://sync.example.com/bird", "") + "/logs"
		began := time.Now()
		s.StartConversation(person(t, s))
		waitWebhooks(t, s)
		want(t, "half a second between tries", time.Since(began), 500*time.Millisecond)
		want(t, "no key, no signature", h.headers[0].Values("messagebird-signature"), []string(nil))
		if h.headers[0].Get("messagebird-request-id") == h.headers[1].Get("messagebird-request-id") {
			t.Error("a retry keeps the request id")
		}
		s.StartConversation(person(t, s))
		waitWebhooks(t, s)
		logs := func(query string) (all []object) {
			_, body := call(t, s, "GET", path+query, nil)
			for _, entry := range body["results"].([]any) {
				all = append(all, entry.(object))
			}
			return all
		}
		failed, succeeded := logs("?executionStatus=failed"), logs("?executionStatus=succeeded")
		want(t, "logs", []int{len(logs("")), len(failed), len(succeeded)}, []int{2, 1, 1})
		want(t, "failed", []any{failed[0]["attemptCount"], failed[0]["httpStatusCode"]}, []any{3.0, 500.0})
		want(t, "succeeded", []any{succeeded[0]["attemptCount"], succeeded[0]["httpStatusCode"]}, []any{2.0, 200.0})
		want(t, "attempts", len(logs("/details?requestId="+succeeded[0]["requestId"].(string))), 2)
		status, _ := call(t, s, "GET", path+"/details?requestId=none", nil)
		want(t, "unknown request", status, 404)
		s.SetSkew(8 * 24 * time.Hour)
		want(t, "failures are kept for seven days", len(logs("")), 1)
	})
}
